// German. `words.js` and `draw/words.js` have the English texts.

export const page = {
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
  clear: "Leeren", search: "Suchen", none: "Keine Treffer", chosen: "{n} gewählt", toFile: "{name} herunterladen",
  pastDays: "Letzte {n} Tage", pastMonths: "Letzte {n} Monate", between: "Zwischen …", image: "Bild ({format})",
};

export const drawing = {
  none: "Keine Ergebnisse", rows: "Die ersten {n} Zeilen", table: "Als Tabelle zeigen", chart: "Als Diagramm zeigen", blank: "(leer)",
  other: "Andere", total: "Summe", goal: "Ziel", trend: "Trend", retry: "Erneut versuchen", failed: "Das konnte nicht geladen werden.",
  thinned: "{n} von {of} Punkten jeder Reihe", cut: "{n} von {of} Reihen", summed: "Zeilen desselben Punkts sind addiert",
  negative: "Negative Werte fehlen", before: "gegenüber der Vorperiode ({unit})", beforeValue: "gegenüber dem vorigen Wert", same: "Keine Änderung",
  unknown: "Kein früherer Wert zum Vergleich", met: "Ziel erreicht", exceeded: "Ziel übertroffen", of: "{value} von {goal}", series: "Reihen", keys: "Mit den Pfeiltasten lesen Sie die Punkte",
  summary: "{kind}: {what}, {n} Punkte, von {low} ({lowAt}) bis {high} ({highAt}).", by: "{what} nach {dimension}",
  bar: "Säulendiagramm", row: "Balkendiagramm", line: "Liniendiagramm", area: "Flächendiagramm", combo: "Kombiniertes Diagramm", pie: "Kreisdiagramm",
  year: "Jahr", quarter: "Quartal", month: "Monat", week: "Woche", day: "Tag", hour: "Stunde", minute: "Minute",
};
