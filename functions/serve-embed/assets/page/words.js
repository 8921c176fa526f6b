// The page's texts in the viewer's language: one sentence for each cause of an error.

const WORDS = {
  en: {
    expired: "This embed has expired. Reload the page to continue.",
    invalid: "This embed link is not valid.",
    off: "Embedding is switched off.",
    unpublished: "This content is not published.",
    missing: "This content does not exist.",
    mismatch: "This embed is not available.",
    host: "This content may not be shown on this page.",
    access: "You do not have access to this content.",
    retry: "Temporarily unavailable. Trying again…",
    unknown: "Something went wrong.",
    reference: "Reference:", empty: "Nothing to show yet.", any: "Any", yes: "Yes", no: "No", from: "From", to: "To",
    again: "Try again", list: "Separate with commas", download: "Download",
  },
  de: {
    expired: "Diese Einbettung ist abgelaufen. Laden Sie die Seite neu.",
    invalid: "Dieser Einbettungslink ist ungültig.",
    off: "Das Einbetten ist ausgeschaltet.",
    unpublished: "Dieser Inhalt ist nicht veröffentlicht.",
    missing: "Diesen Inhalt gibt es nicht.",
    mismatch: "Diese Einbettung ist nicht verfügbar.",
    host: "Dieser Inhalt darf auf dieser Seite nicht gezeigt werden.",
    access: "Sie haben keinen Zugriff auf diesen Inhalt.",
    setup: "Diese Einbettung ist nicht richtig eingerichtet.",
    retry: "Vorübergehend nicht verfügbar. Neuer Versuch …",
    unknown: "Etwas ist schiefgegangen.",
    reference: "Referenz:", empty: "Noch nichts zu sehen.", any: "Alle", yes: "Ja", no: "Nein", from: "Von", to: "Bis",
    again: "Erneut versuchen", list: "Mit Kommas trennen", download: "Herunterladen",
  },
  fr: {
    expired: "Cette intégration a expiré. Rechargez la page pour continuer.",
    invalid: "Ce lien d’intégration n’est pas valide.",
    off: "L’intégration est désactivée.",
    unpublished: "Ce contenu n’est pas publié.",
    missing: "Ce contenu n’existe pas.",
    mismatch: "Cette intégration n’est pas disponible.",
    host: "Ce contenu ne peut pas être affiché sur cette page.",
    access: "Vous n’avez pas accès à ce contenu.",
    setup: "Cette intégration n’est pas configurée correctement.",
    retry: "Temporairement indisponible. Nouvel essai…",
    unknown: "Une erreur s’est produite.",
    reference: "Référence :", empty: "Rien à afficher pour le moment.", any: "Tous", yes: "Oui", no: "Non", from: "Du", to: "Au",
    again: "Réessayer", list: "Séparez par des virgules", download: "Télécharger",
  },
  es: {
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
  },
  pt: {
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
  },
  ja: {
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
  },
  ko: {
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
  },
  zh: {
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
  },
};

const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];

// Maps reasons to sentences. The first match counts.
const CAUSES = [
  [/^(token_expired|session_)/, "expired"],
  [/^(token_|session$)/, "invalid"],
  [/^embedding_/, "off"],
  [/^resource_(not_published|archived)$/, "unpublished"],
  [/^(resource|version)_not_found$/, "missing"],
  [/^resource_mismatch$/, "mismatch"],
  [/^host_not_allowed$/, "host"],
  [/^attribute_missing$/, "access"],
];

// The sentences of MotherDuck's own page, which viewers of a dive know.
export const SANDBOX = {
  invalid: "Invalid or expired token. Please reload the page.",
  missing: "Dive not found.",
  expired: "Session expired",
  failed: "Failed to load dive. Please try again.",
};

// Falls back to English. `name` is for the document's `lang` attribute.
export function language(locale) {
  const name = /^[a-z]{2,8}([-_][a-z0-9]{1,8})*$/i.test(locale ?? "") ? locale.replace(/_/g, "-") : "en";
  const short = name.split("-")[0].toLowerCase();
  return { name, words: WORDS[short] ?? WORDS.en, dir: RIGHT_TO_LEFT.includes(short) ? "rtl" : "ltr" };
}

export function sentence(words, { reason, message, retry }, inSandbox) {
  if (retry) return words.retry;
  const cause = CAUSES.find(([pattern]) => pattern.test(reason))?.[1];
  if (inSandbox) return SANDBOX[cause === "expired" ? "invalid" : cause] ?? SANDBOX.failed;
  if (cause) return words[cause];
  // The other reasons are mistakes in the setup. Their messages are in English, for developers; in other languages the
  // viewer reads that the setup is wrong.
  return reason === "unknown" ? words.unknown : words.setup ?? (message || words.unknown);
}
