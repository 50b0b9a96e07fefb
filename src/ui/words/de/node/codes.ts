export const codes = {
  backend_failed: {
    why: 'Der Anbieter war nicht erreichbar oder hat Unsinn geantwortet.',
    fix: 'Prüfe seine Adresse und ob er läuft; die URL endet meist auf /v1.',
  },
  backend_refused: {
    why: 'Der Anbieter hat diesen Knoten abgewiesen.',
    fix: 'Sein Schlüssel fehlt, ist falsch oder aufgebraucht. Gib ihn neu ein und prüfe dort den Tarif.',
  },
  model_failed: {
    why: 'Das Modell ist beim Antworten abgestürzt.',
    fix: 'Versuch es noch einmal oder füge einen zweiten Anbieter hinzu.',
  },
  stream_cut: { why: 'Die Antwort brach zu früh ab.', fix: 'Was ankam, ist unvollständig; frag noch einmal.' },
  timeout: {
    why: 'Es hat länger gedauert als erlaubt.',
    fix: 'Vielleicht lädt das Modell noch oder ist überlastet. Versuch es erneut oder erhöhe die Grenze in der Konfiguration.',
  },
  peer_unreachable: {
    why: 'Zum Peer kam keine Verbindung zustande.',
    fix: 'Er ist vielleicht offline. Auf der Netzwerkseite lässt sich das prüfen.',
  },
  no_provider: {
    why: 'Alle, die das Modell haben, wurden gefragt; niemand hat geantwortet.',
    fix: 'Bei den Versuchen steht, woran jeder gescheitert ist. Füge einen Anbieter hinzu oder warte, bis eine Pause endet.',
  },
  model_not_found: {
    why: 'Niemand Erreichbares hat dieses Modell.',
    fix: 'Prüfe den Namen unter Modelle; vielleicht ist ein Anbieter ausgefallen oder abgeschaltet.',
  },
  overloaded: { why: 'Für eine weitere Anfrage war kein Platz.', fix: 'Warte kurz oder sorge für mehr Kapazität.' },
  rate_limited: { why: 'Zu viele Anfragen in kurzer Zeit.', fix: 'Warte oder erhöhe die Grenzen des Schlüssels.' },
  budget_exceeded: {
    why: 'Das Budget des Schlüssels, Projekts, Nutzers oder Knotens ist verbraucht.',
    fix: 'Erhöhe das Budget oder warte auf den nächsten Zeitraum.',
  },
  cancelled: {
    why: 'Die App ging, bevor die Antwort vollständig war.',
    fix: 'Hier ist nichts falsch: Es war so gewollt.',
  },
  context_length_exceeded: {
    why: 'Eingabe und Antwort passen nicht ins Modell.',
    fix: 'Schick weniger, senke max_tokens oder wähle ein Modell mit längerem Kontext.',
  },
  invalid_request: { why: 'Die Anfrage ist fehlerhaft.', fix: 'Die App muss das genannte Feld berichtigen.' },
  unauthorized: {
    why: 'Der API-Schlüssel fehlt, ist unbekannt oder widerrufen.',
    fix: 'Gib der App einen neuen Schlüssel.',
  },
  forbidden: { why: 'Das darf der Aufrufer nicht.', fix: 'Nimm einen Schlüssel, der dieses Modell fragen darf.' },
  not_found: {
    why: 'Diesen Pfad oder diese Sache gibt es nicht.',
    fix: 'Prüfe den Pfad, den die App aufruft; vielleicht ist er geschlossen.',
  },
  unsupported: {
    why: 'Der Anbieter kann nicht, was verlangt wurde.',
    fix: 'Lass die Option weg oder wähle ein anderes Modell.',
  },
  payment_required: { why: 'Der Peer will bezahlt werden.', fix: 'Zahle unter Wallet Geld ein.' },
  insufficient_funds: { why: 'Das Guthaben im Escrow reicht nicht.', fix: 'Zahle unter Wallet Geld ein.' },
  spending_cap: {
    why: 'Eine Ausgabengrenze ist erreicht.',
    fix: 'Erhöhe die Grenze in der Konfiguration oder warte.',
  },
  price_too_high: {
    why: 'Es hätte mehr gekostet, als der Aufrufer erlaubt.',
    fix: 'Erlaube mehr oder wähle ein günstigeres Modell.',
  },
  chain_unavailable: {
    why: 'Kein RPC-Endpunkt der Chain antwortet.',
    fix: 'Prüfe chain.rpcUrls in der Konfiguration.',
  },
  wallet_locked: { why: 'Die Wallet ist gesperrt.', fix: 'Entsperre sie unter Wallet.' },
  stopping: { why: 'Der Knoten wurde gerade beendet.', fix: 'Frag noch einmal; er ist wieder da.' },
  too_large: { why: 'Die Anfrage ist zu groß.', fix: 'Schick weniger oder erhöhe die Grenze in der Konfiguration.' },
  too_slow: { why: 'Die Anfrage kam zu langsam an.', fix: 'Die App muss sie schneller senden.' },
  internal: {
    why: 'Etwas ist schiefgegangen, womit niemand gerechnet hat.',
    fix: 'Such in den Logs nach der ID der Anfrage.',
  },
}
