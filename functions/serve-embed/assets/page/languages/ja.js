// Japanese. `words.js` and `draw/words.js` have the English texts.

export const page = {
  expired: "この埋め込みの有効期限が切れました。ページを再読み込みしてください。",
  invalid: "この埋め込みリンクは無効です。",
  off: "埋め込みは無効になっています。",
  unpublished: "このコンテンツは公開されていません。",
  missing: "このコンテンツは存在しません。",
  mismatch: "この埋め込みは利用できません。",
  host: "このコンテンツはこのページでは表示できません。",
  access: "このコンテンツへのアクセス権がありません。",
  setup: "この埋め込みは正しく設定されていません。",
  retry: "一時的に利用できません。再試行しています…",
  unknown: "問題が発生しました。",
  reference: "参照番号:", empty: "表示する内容がまだありません。", any: "すべて", yes: "はい", no: "いいえ", from: "開始", to: "終了",
  again: "再試行", list: "カンマで区切ってください", download: "ダウンロード",
  clear: "クリア", search: "検索", none: "一致するものがありません", chosen: "{n}件選択中", toFile: "{name}をダウンロード",
  pastDays: "過去{n}日間", pastMonths: "過去{n}か月", between: "期間を指定…", image: "画像（{format}）",
};

export const drawing = {
  none: "結果がありません", rows: "先頭の{n}行を表示", table: "表で表示", chart: "グラフで表示", blank: "(空)",
  other: "その他", total: "合計", goal: "目標", trend: "傾向", retry: "再試行", failed: "読み込めませんでした。",
  thinned: "各系列{of}点のうち{n}点を表示", cut: "{of}系列のうち{n}系列を表示", summed: "同じ点の行は合計しています",
  negative: "負の値は表示されません", before: "前の{unit}との比較", beforeValue: "前の値との比較", same: "変化なし",
  unknown: "比較する以前の値がありません", met: "目標達成", exceeded: "目標超過", of: "{goal}のうち{value}", series: "系列", keys: "矢印キーで点を読みます",
  summary: "{kind}：{what}、{n}点、{low}（{lowAt}）から{high}（{highAt}）。", by: "{dimension}別{what}",
  bar: "縦棒グラフ", row: "横棒グラフ", line: "折れ線グラフ", area: "面グラフ", combo: "複合グラフ", pie: "円グラフ",
  year: "年", quarter: "四半期", month: "月", week: "週", day: "日", hour: "時間", minute: "分",
};
