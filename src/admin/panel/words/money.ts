/** Words of adjustments and of what is done about differences, in both languages. */

const en = {
  labels: {
    adjustments: 'Adjustments',
    adjustmentType: { money: 'moves the balance', correction: 'corrects the books' },
    adjustmentState: {
      proposed: 'awaits a second person',
      approved: 'approved',
      executed: 'carried out',
      refused: 'could not be done',
      rejected: 'rejected',
      expired: 'expired',
    },
  },
  actions: {
    release: 'Release',
    adjust: 'Propose adjustment',
    correct: 'Propose correction of books',
    refund: 'Propose refund',
    approve: 'Approve',
    reject: 'Reject',
    acknowledge: 'Take up',
  },
  properties: {
    rubles: 'Rubles',
    adjustmentType: 'What it does',
    adjustmentState: 'State',
    proposedBy: 'Proposed by',
    proposedAt: 'Proposed',
    decidedBy: 'Decided by',
    decidedAt: 'Decided',
    failure: 'Refused because',
    breaks: 'Rows accepted',
    charges: 'Charges accepted (found ≠ expected, micro-rubles)',
    holds: 'Holds given back their amount (micro-rubles)',
  },
  messages: {
    explain_release: 'The books are read from the first row to the last; when they agree, the account may spend again.',
    explain_adjust:
      'Adds money to the account, or takes it with a minus. Somebody else has to approve within 72 hours; until then nothing moves.',
    explain_correct:
      'The books are accepted as they are, with an entry for what they do not explain; the balance stays. An admin has to approve.',
    explain_refund: 'Gives back what was paid for this request, or a part of it. Somebody else has to approve.',
    explain_approve: 'Carries the adjustment out at once. You cannot approve what you proposed yourself.',
    explain_reject: 'The adjustment is never carried out. You may take back your own proposal, too.',
    explain_acknowledge: 'Tells the others that you look into it. The account stays frozen.',
    optional: 'optional',
    choose: 'Choose…',
    rublesHelp: 'For example 150.50; with a minus, money is taken.',
    booksAgree: 'The books agree.',
    booksDiffer: 'The books differ: the accounts concerned are frozen until somebody has looked.',
    lastCheck: 'Last complete check:',
    never: 'not yet',
    awaitingApproval: 'Adjustments that await approval',
    error_second_person_needed: 'Somebody other than the proposer has to decide this.',
    error_insufficient_balance: 'The balance does not cover this.',
  },
};

const ru: typeof en = {
  labels: {
    adjustments: 'Корректировки',
    adjustmentType: { money: 'меняет остаток', correction: 'исправляет учёт' },
    adjustmentState: {
      proposed: 'ждёт второго человека',
      approved: 'одобрена',
      executed: 'исполнена',
      refused: 'невозможна',
      rejected: 'отклонена',
      expired: 'истекла',
    },
  },
  actions: {
    release: 'Разморозить',
    adjust: 'Предложить корректировку',
    correct: 'Предложить исправление учёта',
    refund: 'Предложить возврат',
    approve: 'Одобрить',
    reject: 'Отклонить',
    acknowledge: 'Взять в работу',
  },
  properties: {
    rubles: 'Рублей',
    adjustmentType: 'Что делает',
    adjustmentState: 'Состояние',
    proposedBy: 'Кто предложил',
    proposedAt: 'Предложена',
    decidedBy: 'Кто решил',
    decidedAt: 'Решено',
    failure: 'Почему невозможна',
    breaks: 'Принятые записи',
    charges: 'Принятые списания (есть ≠ ожидалось, микрорубли)',
    holds: 'Резервы, которым вернётся сумма (микрорубли)',
  },
  messages: {
    explain_release:
      'Учёт аккаунта проверяется с первой записи до последней; если сходится, аккаунт снова может тратить.',
    explain_adjust:
      'Добавит деньги на аккаунт, а с минусом — спишет. Одобрить должен другой человек в течение 72 часов; до этого ничего не меняется.',
    explain_correct:
      'Учёт принимается как есть, с записью на то, чего он не объясняет; остаток не меняется. Одобрить должен администратор.',
    explain_refund: 'Вернёт уплаченное за этот запрос или часть. Одобрить должен другой человек.',
    explain_approve: 'Корректировка исполнится сразу. Одобрить предложенное вами самими нельзя.',
    explain_reject: 'Корректировка никогда не будет исполнена. Своё предложение тоже можно отозвать.',
    explain_acknowledge: 'Остальные увидят, что вы разбираетесь. Аккаунт останется замороженным.',
    optional: 'необязательно',
    choose: 'Выберите…',
    rublesHelp: 'Например, 150,50; с минусом деньги списываются.',
    booksAgree: 'Учёт сходится.',
    booksDiffer: 'Учёт не сходится: эти аккаунты заморожены, пока кто-нибудь не разберётся.',
    lastCheck: 'Последняя полная проверка:',
    never: 'ещё не было',
    awaitingApproval: 'Корректировок ждут одобрения',
    error_second_person_needed: 'Решить это должен кто-то другой, не предложивший.',
    error_insufficient_balance: 'Остатка на это не хватает.',
  },
};

export const MONEY_WORDS = { en, ru };
