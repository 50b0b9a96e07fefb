export const alerts = {
  title: 'Alerts',
  about: 'What is wrong now, what was, and what to do about it.',
  firing: 'Firing now',
  firingNone: 'Nothing is wrong',
  firingNoneAbout:
    'Rules are looked at once a second. What they find is here, in the log, and where the configuration sends it.',
  history: 'History',
  historyNone: 'No alert was ever raised',
  rule: 'Rule',
  subject: 'About',
  value: 'Value',
  since: 'Since',
  began: 'Began',
  lasted: 'Lasted',
  goesOn: 'goes on',
  todo: 'What to do',
  everything: 'the node',
  limit: '{{value}}, limit {{threshold}}',
  any: 'All rules',
  older: 'Older ones',
  meaning: {
    error_rate: {
      name: 'Many calls fail',
      about: 'A large part of all calls fails by this node’s, a provider’s or the purse’s fault.',
      todo: 'Look at the failed requests: their codes say whose fault it is. Often one provider is down and there is no second one for its models.',
    },
    provider_error_rate: {
      name: 'A provider fails often',
      about: 'A large part of what this provider is asked fails, also where another one answered in the end.',
      todo: 'Test the provider. If its key or plan is the cause, correct it; otherwise disable it until it is well.',
    },
    latency_p95: {
      name: 'Answers are slow',
      about: '5 of 100 answers take longer than the limit.',
      todo: 'See under Requests which provider or model is slow; give it less weight or choose the policy “fastest”.',
    },
    first_chunk_p95: {
      name: 'First words come late',
      about: '5 of 100 first words take longer than the limit.',
      todo: 'A model may be loading or a provider overloaded. Add a second one, or switch on hedging.',
    },
    provider_failures: {
      name: 'A provider fails again and again',
      about: 'This provider failed several times in a row; one success ends it.',
      todo: 'Test it under Providers: the result names the cause.',
    },
    memory: {
      name: 'Memory is nearly full',
      about: 'The machine or container has little memory left.',
      todo: 'Unload a local model, lower its context, or give the machine more memory.',
    },
    event_loop_delay: {
      name: 'This node is too busy',
      about: 'It comes late to its own work, so all answers do.',
      todo: 'Move local models to another process or machine, or share the load among several nodes.',
    },
    budget: {
      name: 'A budget is nearly spent',
      about: 'Most of this budget is gone in its window.',
      todo: 'Raise it under Keys & users, or expect refusals when it is spent.',
    },
    other: {
      name: '{{rule}}',
      about: 'A rule of your own configuration.',
      todo: 'See the section alerts of the configuration.',
    },
  },
}
