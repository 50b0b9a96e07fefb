export const codes = {
  backend_failed: {
    why: 'Der Anbieter war nicht erreichbar oder hat Unsinn geantwortet.',
    fix: 'Prüfen Sie seine Adresse und ob er läuft; die URL endet meist auf /v1.',
  },
  backend_refused: {
    why: 'Der Anbieter hat diesen Knoten abgewiesen.',
    fix: 'Sein Schlüssel fehlt, ist falsch oder aufgebraucht. Geben Sie ihn neu ein und prüfen Sie dort den Tarif.',
  },
  model_failed: {
    why: 'Das Modell ist beim Antworten abgestürzt.',
    fix: 'Versuchen Sie es noch einmal oder fügen Sie einen zweiten Anbieter hinzu.',
  },
  stream_cut: { why: 'Die Antwort brach zu früh ab.', fix: 'Was ankam, ist unvollständig; fragen Sie noch einmal.' },
  timeout: {
    why: 'Es hat länger gedauert als erlaubt.',
    fix: 'Vielleicht lädt das Modell noch oder ist überlastet. Versuchen Sie es erneut oder erhöhen Sie die Grenze in der Konfiguration.',
  },
  peer_unreachable: {
    why: 'Zum Peer kam keine Verbindung zustande.',
    fix: 'Er ist vielleicht offline. Auf der Netzwerkseite lässt sich das prüfen.',
  },
  no_provider: {
    why: 'Alle, die das Modell haben, wurden gefragt; niemand hat geantwortet.',
    fix: 'Bei den Versuchen steht, woran jeder gescheitert ist. Fügen Sie einen Anbieter hinzu oder warten Sie, bis eine Pause endet.',
  },
  model_not_found: {
    why: 'Niemand Erreichbares hat dieses Modell.',
    fix: 'Prüfen Sie den Namen unter Modelle; vielleicht ist ein Anbieter ausgefallen oder abgeschaltet.',
  },
  overloaded: {
    why: 'Für eine weitere Anfrage war kein Platz.',
    fix: 'Warten Sie kurz oder sorgen Sie für mehr Kapazität.',
  },
  rate_limited: {
    why: 'Zu viele Anfragen in kurzer Zeit.',
    fix: 'Warten Sie oder erhöhen Sie die Grenzen des Schlüssels.',
  },
  budget_exceeded: {
    why: 'Das Budget des Schlüssels, Projekts, Nutzers oder Knotens ist verbraucht.',
    fix: 'Erhöhen Sie das Budget oder warten Sie auf den nächsten Zeitraum.',
  },
  cancelled: {
    why: 'Die App ging, bevor die Antwort vollständig war.',
    fix: 'Hier ist nichts falsch: Es war so gewollt.',
  },
  context_length_exceeded: {
    why: 'Eingabe und Antwort passen nicht ins Modell.',
    fix: 'Schicken Sie weniger, senken Sie max_tokens oder wählen Sie ein Modell mit längerem Kontext.',
  },
  invalid_request: { why: 'Die Anfrage ist fehlerhaft.', fix: 'Die App muss das genannte Feld berichtigen.' },
  unauthorized: {
    why: 'Der API-Schlüssel fehlt, ist unbekannt oder widerrufen.',
    fix: 'Geben Sie der App einen neuen Schlüssel.',
  },
  forbidden: { why: 'Das darf der Aufrufer nicht.', fix: 'Nehmen Sie einen Schlüssel, der dieses Modell fragen darf.' },
  not_found: {
    why: 'Diesen Pfad oder diese Sache gibt es nicht.',
    fix: 'Prüfen Sie den Pfad, den die App aufruft; vielleicht ist er geschlossen.',
  },
  unsupported: {
    why: 'Der Anbieter kann nicht, was verlangt wurde.',
    fix: 'Lassen Sie die Option weg oder wählen Sie ein anderes Modell.',
  },
  payment_required: { why: 'Der Peer will bezahlt werden.', fix: 'Zahlen Sie unter Wallet Geld ein.' },
  insufficient_funds: { why: 'Das Guthaben im Escrow reicht nicht.', fix: 'Zahlen Sie unter Wallet Geld ein.' },
  spending_cap: {
    why: 'Eine Ausgabengrenze ist erreicht.',
    fix: 'Erhöhen Sie die Grenze in der Konfiguration oder warten Sie.',
  },
  price_too_high: {
    why: 'Es hätte mehr gekostet, als der Aufrufer erlaubt.',
    fix: 'Erlauben Sie mehr oder wählen Sie ein günstigeres Modell.',
  },
  chain_unavailable: {
    why: 'Kein RPC-Endpunkt der Chain antwortet.',
    fix: 'Prüfen Sie chain.rpcUrls in der Konfiguration.',
  },
  wallet_locked: { why: 'Die Wallet ist gesperrt.', fix: 'Entsperren Sie sie unter Wallet.' },
  stopping: { why: 'Der Knoten wurde gerade beendet.', fix: 'Fragen Sie noch einmal; er ist wieder da.' },
  too_large: {
    why: 'Die Anfrage ist zu groß.',
    fix: 'Schicken Sie weniger oder erhöhen Sie die Grenze in der Konfiguration.',
  },
  too_slow: { why: 'Die Anfrage kam zu langsam an.', fix: 'Die App muss sie schneller senden.' },
  internal: {
    why: 'Etwas ist schiefgegangen, womit niemand gerechnet hat.',
    fix: 'Suchen Sie in den Logs nach der ID der Anfrage.',
  },
}
