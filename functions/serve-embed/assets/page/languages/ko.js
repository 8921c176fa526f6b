// Korean. `words.js` and `draw/words.js` have the English texts.

export const page = {
  expired: "이 임베드가 만료되었습니다. 페이지를 새로 고치세요.",
  invalid: "이 임베드 링크는 유효하지 않습니다.",
  off: "임베드가 꺼져 있습니다.",
  unpublished: "이 콘텐츠는 게시되지 않았습니다.",
  missing: "이 콘텐츠는 존재하지 않습니다.",
  mismatch: "이 임베드를 사용할 수 없습니다.",
  host: "이 콘텐츠는 이 페이지에 표시할 수 없습니다.",
  access: "이 콘텐츠에 접근할 권한이 없습니다.",
  setup: "이 임베드가 올바르게 설정되지 않았습니다.",
  retry: "일시적으로 사용할 수 없습니다. 다시 시도하는 중…",
  unknown: "문제가 발생했습니다.",
  reference: "참조:", empty: "아직 표시할 내용이 없습니다.", any: "전체", yes: "예", no: "아니요", from: "시작", to: "끝",
  again: "다시 시도", list: "쉼표로 구분하세요", download: "다운로드",
  clear: "지우기", search: "검색", none: "일치하는 항목 없음", chosen: "{n}개 선택됨", toFile: "{name} 다운로드",
  pastDays: "지난 {n}일", pastMonths: "지난 {n}개월", between: "기간 지정…", image: "이미지({format})",
};

export const drawing = {
  none: "결과 없음", rows: "처음 {n}행 표시", table: "표로 보기", chart: "차트로 보기", blank: "(비어 있음)",
  other: "기타", total: "합계", goal: "목표", trend: "추세", retry: "다시 시도", failed: "불러오지 못했습니다.",
  thinned: "계열마다 {of}개 중 {n}개 점 표시", cut: "{of}개 중 {n}개 계열 표시", summed: "같은 점의 행은 합산됩니다",
  negative: "음수 값은 표시되지 않습니다", before: "이전 {unit} 대비", beforeValue: "이전 값 대비", same: "변화 없음",
  unknown: "비교할 이전 값이 없습니다", met: "목표 달성", exceeded: "목표 초과", of: "{goal} 중 {value}", series: "계열", keys: "화살표 키로 점을 읽습니다",
  summary: "{kind}: {what}, 점 {n}개, {low}({lowAt})부터 {high}({highAt})까지.", by: "{dimension}별 {what}",
  bar: "세로 막대 차트", row: "가로 막대 차트", line: "선 차트", area: "영역 차트", combo: "혼합 차트", pie: "원형 차트",
  year: "연도", quarter: "분기", month: "월", week: "주", day: "일", hour: "시간", minute: "분",
};
