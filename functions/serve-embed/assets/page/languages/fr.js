// French. `words.js` and `draw/words.js` have the English texts.

export const page = {
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
  clear: "Effacer", search: "Rechercher", none: "Aucun résultat", chosen: "{n} sélectionnés", toFile: "Télécharger {name}",
  pastDays: "{n} derniers jours", pastMonths: "{n} derniers mois", between: "Entre…", image: "Image ({format})",
};

export const drawing = {
  none: "Aucun résultat", rows: "Les {n} premières lignes", table: "Afficher en tableau", chart: "Afficher en graphique", blank: "(vide)",
  other: "Autres", total: "Total", goal: "Objectif", trend: "Tendance", retry: "Réessayer", failed: "Le chargement a échoué.",
  thinned: "{n} points sur {of} pour chaque série", cut: "{n} séries sur {of}", summed: "Les lignes d’un même point sont additionnées",
  negative: "Les valeurs négatives ne sont pas affichées", before: "par rapport à la période précédente ({unit})", beforeValue: "par rapport à la valeur précédente", same: "Aucun changement",
  unknown: "Aucune valeur antérieure à comparer", met: "Objectif atteint", exceeded: "Objectif dépassé", of: "{value} sur {goal}", series: "Séries", keys: "Parcourez les points avec les flèches",
  summary: "{kind} : {what}, {n} points, de {low} ({lowAt}) à {high} ({highAt}).", by: "{what} par {dimension}",
  bar: "Graphique en colonnes", row: "Graphique en barres", line: "Courbe", area: "Graphique en aires", combo: "Graphique combiné", pie: "Graphique circulaire",
  year: "année", quarter: "trimestre", month: "mois", week: "semaine", day: "jour", hour: "heure", minute: "minute",
};
