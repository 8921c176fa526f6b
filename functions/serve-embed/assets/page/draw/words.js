// The words of drawings in the viewer's language. `{name}` is filled in.

const WORDS = {
  en: {
    none: "No results", rows: "Showing the first {n} rows", table: "Show as table", chart: "Show as chart", blank: "(empty)",
    other: "Other", total: "Total", goal: "Goal", trend: "Trend", retry: "Try again", failed: "This could not be loaded.",
    thinned: "Showing {n} of {of} points of each series", cut: "Showing {n} of {of} series", summed: "Rows of the same point are added up",
    negative: "Negative values are not shown", before: "vs. previous {unit}", beforeValue: "vs. previous value", same: "No change",
    unknown: "No earlier value to compare", met: "Goal met", exceeded: "Goal exceeded", of: "{value} of {goal}", series: "Series", keys: "Use the arrow keys to read the points",
    summary: "{kind}: {what}, {n} points, from {low} ({lowAt}) to {high} ({highAt}).", by: "{what} by {dimension}",
    bar: "Bar chart", row: "Row chart", line: "Line chart", area: "Area chart", combo: "Combined chart", pie: "Pie chart",
    year: "year", quarter: "quarter", month: "month", week: "week", day: "day", hour: "hour", minute: "minute",
  },
  de: {
    none: "Keine Ergebnisse", rows: "Die ersten {n} Zeilen", table: "Als Tabelle zeigen", chart: "Als Diagramm zeigen", blank: "(leer)",
    other: "Andere", total: "Summe", goal: "Ziel", trend: "Trend", retry: "Erneut versuchen", failed: "Das konnte nicht geladen werden.",
    thinned: "{n} von {of} Punkten jeder Reihe", cut: "{n} von {of} Reihen", summed: "Zeilen desselben Punkts sind addiert",
    negative: "Negative Werte fehlen", before: "gegenüber der Vorperiode ({unit})", beforeValue: "gegenüber dem vorigen Wert", same: "Keine Änderung",
    unknown: "Kein früherer Wert zum Vergleich", met: "Ziel erreicht", exceeded: "Ziel übertroffen", of: "{value} von {goal}", series: "Reihen", keys: "Mit den Pfeiltasten lesen Sie die Punkte",
    summary: "{kind}: {what}, {n} Punkte, von {low} ({lowAt}) bis {high} ({highAt}).", by: "{what} nach {dimension}",
    bar: "Säulendiagramm", row: "Balkendiagramm", line: "Liniendiagramm", area: "Flächendiagramm", combo: "Kombiniertes Diagramm", pie: "Kreisdiagramm",
    year: "Jahr", quarter: "Quartal", month: "Monat", week: "Woche", day: "Tag", hour: "Stunde", minute: "Minute",
  },
  fr: {
    none: "Aucun résultat", rows: "Les {n} premières lignes", table: "Afficher en tableau", chart: "Afficher en graphique", blank: "(vide)",
    other: "Autres", total: "Total", goal: "Objectif", trend: "Tendance", retry: "Réessayer", failed: "Le chargement a échoué.",
    thinned: "{n} points sur {of} pour chaque série", cut: "{n} séries sur {of}", summed: "Les lignes d’un même point sont additionnées",
    negative: "Les valeurs négatives ne sont pas affichées", before: "par rapport à la période précédente ({unit})", beforeValue: "par rapport à la valeur précédente", same: "Aucun changement",
    unknown: "Aucune valeur antérieure à comparer", met: "Objectif atteint", exceeded: "Objectif dépassé", of: "{value} sur {goal}", series: "Séries", keys: "Parcourez les points avec les flèches",
    summary: "{kind} : {what}, {n} points, de {low} ({lowAt}) à {high} ({highAt}).", by: "{what} par {dimension}",
    bar: "Graphique en colonnes", row: "Graphique en barres", line: "Courbe", area: "Graphique en aires", combo: "Graphique combiné", pie: "Graphique circulaire",
    year: "année", quarter: "trimestre", month: "mois", week: "semaine", day: "jour", hour: "heure", minute: "minute",
  },
  es: {
    none: "Sin resultados", rows: "Las primeras {n} filas", table: "Mostrar como tabla", chart: "Mostrar como gráfico", blank: "(vacío)",
    other: "Otros", total: "Total", goal: "Objetivo", trend: "Tendencia", retry: "Reintentar", failed: "No se ha podido cargar.",
    thinned: "{n} de {of} puntos de cada serie", cut: "{n} de {of} series", summed: "Las filas de un mismo punto se suman",
    negative: "No se muestran valores negativos", before: "frente al periodo anterior ({unit})", beforeValue: "frente al valor anterior", same: "Sin cambios",
    unknown: "No hay un valor anterior con que comparar", met: "Objetivo alcanzado", exceeded: "Objetivo superado", of: "{value} de {goal}", series: "Series", keys: "Recorra los puntos con las flechas",
    summary: "{kind}: {what}, {n} puntos, de {low} ({lowAt}) a {high} ({highAt}).", by: "{what} por {dimension}",
    bar: "Gráfico de columnas", row: "Gráfico de barras", line: "Gráfico de líneas", area: "Gráfico de áreas", combo: "Gráfico combinado", pie: "Gráfico circular",
    year: "año", quarter: "trimestre", month: "mes", week: "semana", day: "día", hour: "hora", minute: "minuto",
  },
  pt: {
    none: "Sem resultados", rows: "As primeiras {n} linhas", table: "Mostrar como tabela", chart: "Mostrar como gráfico", blank: "(vazio)",
    other: "Outros", total: "Total", goal: "Meta", trend: "Tendência", retry: "Tentar novamente", failed: "Não foi possível carregar.",
    thinned: "{n} de {of} pontos de cada série", cut: "{n} de {of} séries", summed: "As linhas de um mesmo ponto são somadas",
    negative: "Valores negativos não são mostrados", before: "em relação ao período anterior ({unit})", beforeValue: "em relação ao valor anterior", same: "Sem alteração",
    unknown: "Não há valor anterior para comparar", met: "Meta atingida", exceeded: "Meta superada", of: "{value} de {goal}", series: "Séries", keys: "Percorra os pontos com as setas",
    summary: "{kind}: {what}, {n} pontos, de {low} ({lowAt}) a {high} ({highAt}).", by: "{what} por {dimension}",
    bar: "Gráfico de colunas", row: "Gráfico de barras", line: "Gráfico de linhas", area: "Gráfico de áreas", combo: "Gráfico combinado", pie: "Gráfico circular",
    year: "ano", quarter: "trimestre", month: "mês", week: "semana", day: "dia", hour: "hora", minute: "minuto",
  },
  ja: {
    none: "結果がありません", rows: "先頭の{n}行を表示", table: "表で表示", chart: "グラフで表示", blank: "(空)",
    other: "その他", total: "合計", goal: "目標", trend: "傾向", retry: "再試行", failed: "読み込めませんでした。",
    thinned: "各系列{of}点のうち{n}点を表示", cut: "{of}系列のうち{n}系列を表示", summed: "同じ点の行は合計しています",
    negative: "負の値は表示されません", before: "前の{unit}との比較", beforeValue: "前の値との比較", same: "変化なし",
    unknown: "比較する以前の値がありません", met: "目標達成", exceeded: "目標超過", of: "{goal}のうち{value}", series: "系列", keys: "矢印キーで点を読みます",
    summary: "{kind}：{what}、{n}点、{low}（{lowAt}）から{high}（{highAt}）。", by: "{dimension}別{what}",
    bar: "縦棒グラフ", row: "横棒グラフ", line: "折れ線グラフ", area: "面グラフ", combo: "複合グラフ", pie: "円グラフ",
    year: "年", quarter: "四半期", month: "月", week: "週", day: "日", hour: "時間", minute: "分",
  },
  ko: {
    none: "결과 없음", rows: "처음 {n}행 표시", table: "표로 보기", chart: "차트로 보기", blank: "(비어 있음)",
    other: "기타", total: "합계", goal: "목표", trend: "추세", retry: "다시 시도", failed: "불러오지 못했습니다.",
    thinned: "계열마다 {of}개 중 {n}개 점 표시", cut: "{of}개 중 {n}개 계열 표시", summed: "같은 점의 행은 합산됩니다",
    negative: "음수 값은 표시되지 않습니다", before: "이전 {unit} 대비", beforeValue: "이전 값 대비", same: "변화 없음",
    unknown: "비교할 이전 값이 없습니다", met: "목표 달성", exceeded: "목표 초과", of: "{goal} 중 {value}", series: "계열", keys: "화살표 키로 점을 읽습니다",
    summary: "{kind}: {what}, 점 {n}개, {low}({lowAt})부터 {high}({highAt})까지.", by: "{dimension}별 {what}",
    bar: "세로 막대 차트", row: "가로 막대 차트", line: "선 차트", area: "영역 차트", combo: "혼합 차트", pie: "원형 차트",
    year: "연도", quarter: "분기", month: "월", week: "주", day: "일", hour: "시간", minute: "분",
  },
  zh: {
    none: "没有结果", rows: "显示前 {n} 行", table: "以表格显示", chart: "以图表显示", blank: "（空）",
    other: "其他", total: "合计", goal: "目标", trend: "趋势", retry: "重试", failed: "无法加载。",
    thinned: "每个系列显示 {of} 个点中的 {n} 个", cut: "显示 {of} 个系列中的 {n} 个", summed: "同一点的行已相加",
    negative: "不显示负值", before: "与上一{unit}相比", beforeValue: "与上一个值相比", same: "无变化",
    unknown: "没有可比较的早期值", met: "已达到目标", exceeded: "已超过目标", of: "{goal} 中的 {value}", series: "系列", keys: "使用方向键读取各点",
    summary: "{kind}：{what}，{n} 个点，从 {low}（{lowAt}）到 {high}（{highAt}）。", by: "按{dimension}的{what}",
    bar: "柱状图", row: "条形图", line: "折线图", area: "面积图", combo: "组合图", pie: "饼图",
    year: "年", quarter: "季度", month: "月", week: "周", day: "日", hour: "小时", minute: "分钟",
  },
};

// Returns `say(key, values)`, which falls back to English.
export function speaker(locale) {
  const short = String(locale ?? "en").split(/[-_]/)[0].toLowerCase();
  const words = Object.hasOwn(WORDS, short) ? WORDS[short] : WORDS.en;
  return (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
