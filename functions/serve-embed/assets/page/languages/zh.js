// Chinese. `words.js` and `draw/words.js` have the English texts.

export const page = {
  expired: "此嵌入内容已过期。请重新加载页面。",
  invalid: "此嵌入链接无效。",
  off: "嵌入功能已关闭。",
  unpublished: "此内容尚未发布。",
  missing: "此内容不存在。",
  mismatch: "此嵌入内容不可用。",
  host: "此内容不能在此页面上显示。",
  access: "您无权访问此内容。",
  setup: "此嵌入内容的设置不正确。",
  retry: "暂时不可用。正在重试…",
  unknown: "出了点问题。",
  reference: "参考编号：", empty: "暂无内容可显示。", any: "全部", yes: "是", no: "否", from: "从", to: "到",
  again: "重试", list: "用逗号分隔", download: "下载",
  clear: "清除", search: "搜索", none: "没有匹配项", chosen: "已选 {n} 项", toFile: "下载{name}",
  pastDays: "过去 {n} 天", pastMonths: "过去 {n} 个月", between: "介于…", image: "图片（{format}）",
};

export const drawing = {
  none: "没有结果", rows: "显示前 {n} 行", table: "以表格显示", chart: "以图表显示", blank: "（空）",
  other: "其他", total: "合计", goal: "目标", trend: "趋势", retry: "重试", failed: "无法加载。",
  thinned: "每个系列显示 {of} 个点中的 {n} 个", cut: "显示 {of} 个系列中的 {n} 个", summed: "同一点的行已相加",
  negative: "不显示负值", before: "与上一{unit}相比", beforeValue: "与上一个值相比", same: "无变化",
  unknown: "没有可比较的早期值", met: "已达到目标", exceeded: "已超过目标", of: "{goal} 中的 {value}", series: "系列", keys: "使用方向键读取各点",
  summary: "{kind}：{what}，{n} 个点，从 {low}（{lowAt}）到 {high}（{highAt}）。", by: "按{dimension}的{what}",
  bar: "柱状图", row: "条形图", line: "折线图", area: "面积图", combo: "组合图", pie: "饼图",
  year: "年", quarter: "季度", month: "月", week: "周", day: "日", hour: "小时", minute: "分钟",
};
