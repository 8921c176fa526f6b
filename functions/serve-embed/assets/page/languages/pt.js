// Portuguese. `words.js` and `draw/words.js` have the English texts.

export const page = {
  expired: "Esta incorporação expirou. Recarregue a página para continuar.",
  invalid: "Este link de incorporação não é válido.",
  off: "A incorporação está desativada.",
  unpublished: "Este conteúdo não está publicado.",
  missing: "Este conteúdo não existe.",
  mismatch: "Esta incorporação não está disponível.",
  host: "Este conteúdo não pode ser mostrado nesta página.",
  access: "Você não tem acesso a este conteúdo.",
  setup: "Esta incorporação não está configurada corretamente.",
  retry: "Temporariamente indisponível. Tentando novamente…",
  unknown: "Algo deu errado.",
  reference: "Referência:", empty: "Ainda não há nada para mostrar.", any: "Todos", yes: "Sim", no: "Não", from: "De", to: "Até",
  again: "Tentar novamente", list: "Separe com vírgulas", download: "Baixar",
  clear: "Limpar", search: "Pesquisar", none: "Nenhuma correspondência", chosen: "{n} selecionados", toFile: "Baixar {name}",
  pastDays: "Últimos {n} dias", pastMonths: "Últimos {n} meses", between: "Entre…", image: "Imagem ({format})",
};

export const drawing = {
  none: "Sem resultados", rows: "As primeiras {n} linhas", table: "Mostrar como tabela", chart: "Mostrar como gráfico", blank: "(vazio)",
  other: "Outros", total: "Total", goal: "Meta", trend: "Tendência", retry: "Tentar novamente", failed: "Não foi possível carregar.",
  thinned: "{n} de {of} pontos de cada série", cut: "{n} de {of} séries", summed: "As linhas de um mesmo ponto são somadas",
  negative: "Valores negativos não são mostrados", before: "em relação ao período anterior ({unit})", beforeValue: "em relação ao valor anterior", same: "Sem alteração",
  unknown: "Não há valor anterior para comparar", met: "Meta atingida", exceeded: "Meta superada", of: "{value} de {goal}", series: "Séries", keys: "Percorra os pontos com as setas",
  summary: "{kind}: {what}, {n} pontos, de {low} ({lowAt}) a {high} ({highAt}).", by: "{what} por {dimension}",
  bar: "Gráfico de colunas", row: "Gráfico de barras", line: "Gráfico de linhas", area: "Gráfico de áreas", combo: "Gráfico combinado", pie: "Gráfico circular",
  year: "ano", quarter: "trimestre", month: "mês", week: "semana", day: "dia", hour: "hora", minute: "minuto",
};
