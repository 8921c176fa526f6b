// Spanish. `words.js` and `draw/words.js` have the English texts.

export const page = {
  expired: "Este contenido integrado ha caducado. Recargue la página para continuar.",
  invalid: "Este enlace de integración no es válido.",
  off: "La integración está desactivada.",
  unpublished: "Este contenido no está publicado.",
  missing: "Este contenido no existe.",
  mismatch: "Este contenido integrado no está disponible.",
  host: "Este contenido no se puede mostrar en esta página.",
  access: "No tiene acceso a este contenido.",
  setup: "Este contenido integrado no está bien configurado.",
  retry: "No disponible por el momento. Reintentando…",
  unknown: "Algo ha salido mal.",
  reference: "Referencia:", empty: "Todavía no hay nada que mostrar.", any: "Todos", yes: "Sí", no: "No", from: "Desde", to: "Hasta",
  again: "Reintentar", list: "Separe con comas", download: "Descargar",
  clear: "Borrar", search: "Buscar", none: "Sin coincidencias", chosen: "{n} seleccionados", toFile: "Descargar {name}",
  pastDays: "Últimos {n} días", pastMonths: "Últimos {n} meses", between: "Entre…", image: "Imagen ({format})",
};

export const drawing = {
  none: "Sin resultados", rows: "Las primeras {n} filas", table: "Mostrar como tabla", chart: "Mostrar como gráfico", blank: "(vacío)",
  other: "Otros", total: "Total", goal: "Objetivo", trend: "Tendencia", retry: "Reintentar", failed: "No se ha podido cargar.",
  thinned: "{n} de {of} puntos de cada serie", cut: "{n} de {of} series", summed: "Las filas de un mismo punto se suman",
  negative: "No se muestran valores negativos", before: "frente al periodo anterior ({unit})", beforeValue: "frente al valor anterior", same: "Sin cambios",
  unknown: "No hay un valor anterior con que comparar", met: "Objetivo alcanzado", exceeded: "Objetivo superado", of: "{value} de {goal}", series: "Series", keys: "Recorra los puntos con las flechas",
  summary: "{kind}: {what}, {n} puntos, de {low} ({lowAt}) a {high} ({highAt}).", by: "{what} por {dimension}",
  bar: "Gráfico de columnas", row: "Gráfico de barras", line: "Gráfico de líneas", area: "Gráfico de áreas", combo: "Gráfico combinado", pie: "Gráfico circular",
  year: "año", quarter: "trimestre", month: "mes", week: "semana", day: "día", hour: "hora", minute: "minuto",
};
