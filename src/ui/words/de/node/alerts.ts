export const alerts = {
  title: 'Warnungen',
  about: 'Was gerade nicht stimmt, was war und was dagegen hilft.',
  firing: 'Jetzt aktiv',
  firingNone: 'Alles in Ordnung',
  firingNoneAbout:
    'Die Regeln werden jede Sekunde geprüft. Was sie finden, steht hier, im Protokoll und dort, wohin es die Konfiguration schickt.',
  history: 'Verlauf',
  historyNone: 'Noch nie wurde eine Warnung ausgelöst',
  rule: 'Regel',
  subject: 'Betrifft',
  value: 'Wert',
  since: 'Seit',
  began: 'Beginn',
  lasted: 'Dauer',
  goesOn: 'dauert an',
  todo: 'Was hilft',
  everything: 'den Knoten',
  limit: '{{value}}, Grenze {{threshold}}',
  any: 'Alle Regeln',
  older: 'Ältere',
  meaning: {
    error_rate: {
      name: 'Viele Anfragen scheitern',
      about: 'Ein großer Teil aller Anfragen scheitert durch diesen Knoten, einen Anbieter oder die Kasse.',
      todo: 'Sehen Sie sich die gescheiterten Anfragen an: Ihre Codes sagen, woran es liegt. Oft ist ein Anbieter ausgefallen und für seine Modelle gibt es keinen zweiten.',
    },
    provider_error_rate: {
      name: 'Ein Anbieter scheitert oft',
      about: 'Ein großer Teil der Anfragen an diesen Anbieter scheitert, auch wo am Ende ein anderer geantwortet hat.',
      todo: 'Testen Sie den Anbieter. Liegt es an Schlüssel oder Tarif, berichtigen Sie das; sonst schalten Sie ihn ab, bis es ihm besser geht.',
    },
    latency_p95: {
      name: 'Antworten sind langsam',
      about: '5 von 100 Antworten dauern länger als die Grenze.',
      todo: 'Sehen Sie unter Anfragen nach, welcher Anbieter oder welches Modell langsam ist; geben Sie ihm weniger Gewicht oder wählen Sie die Strategie „fastest“.',
    },
    first_chunk_p95: {
      name: 'Erste Wörter kommen spät',
      about: '5 von 100 ersten Wörtern dauern länger als die Grenze.',
      todo: 'Vielleicht lädt ein Modell oder ein Anbieter ist überlastet. Fügen Sie einen zweiten hinzu oder schalten Sie das zweite Anfragen (hedge) ein.',
    },
    provider_failures: {
      name: 'Ein Anbieter scheitert immer wieder',
      about: 'Dieser Anbieter ist mehrmals hintereinander gescheitert; ein Erfolg beendet das.',
      todo: 'Testen Sie ihn unter Anbieter: Das Ergebnis nennt die Ursache.',
    },
    memory: {
      name: 'Der Speicher ist fast voll',
      about: 'Rechner oder Container haben kaum noch Speicher frei.',
      todo: 'Entladen Sie ein lokales Modell, verkleinern Sie seinen Kontext oder geben Sie dem Rechner mehr Speicher.',
    },
    event_loop_delay: {
      name: 'Dieser Knoten ist überlastet',
      about: 'Er kommt zu spät zu seiner eigenen Arbeit, und damit alle Antworten.',
      todo: 'Verlege lokale Modelle in einen anderen Prozess oder Rechner oder verteile die Last auf mehrere Knoten.',
    },
    budget: {
      name: 'Ein Budget ist fast verbraucht',
      about: 'Der größte Teil dieses Budgets ist in seinem Zeitraum aufgebraucht.',
      todo: 'Erhöhen Sie es unter „Schlüssel & Nutzer“, sonst wird abgelehnt, sobald es verbraucht ist.',
    },
    other: {
      name: '{{rule}}',
      about: 'Eine Regel Ihrer eigenen Konfiguration.',
      todo: 'Siehe Abschnitt alerts der Konfiguration.',
    },
  },
}
