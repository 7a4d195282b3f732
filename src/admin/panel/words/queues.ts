/** Words of the queues on the overview, in both languages. */

const en = {
  labels: {
    queues: 'Queues',
    failedJobs: 'Failed jobs',
    queue: {
      interactive: 'requests of waiting clients',
      background: 'asynchronous requests',
      webhooks: 'webhook deliveries',
      maintenance: 'maintenance',
    },
  },
  actions: {
    retryJob: 'Try again',
    retryFailed: 'Try all failed again',
    drainFailed: 'Remove all failed',
  },
  properties: {
    queue: 'Queue',
    waiting: 'Waiting',
    active: 'Running',
    delayed: 'Later',
    failed: 'Failed, kept',
    oldestWaiting: 'Oldest waits',
    jobId: 'Job',
    jobName: 'Work',
    tries: 'Tried',
    failedAt: 'Failed at',
    failedReason: 'Reason (code)',
  },
  messages: {
    explain_retryJob:
      'The job waits again, with all its attempts. What is already over is not done twice: the job finds in the database whether there is still something to do, and a provider that was called is not called again.',
    explain_retryFailed:
      'The oldest failed jobs of this queue wait again, up to 500 at once. What is already over is not done twice.',
    explain_drainFailed:
      'The oldest failed jobs of this queue are removed, up to 500 at once. No money and no request is lost: reserved sums and deliveries stand in the database, and the sweeper soon enqueues what is still owed.',
    countsTaken: 'Jobs:',
    countsLeft: 'Left in the queue as failed:',
    openQueues: 'Failed jobs: try again, remove',
    openBoard: 'Every job, for looking only (Bull Board)',
    queues: 'Queues',
    queue: 'Queue',
    waiting: 'Waiting',
    active: 'Running',
    delayed: 'Later',
    failed: 'Failed, kept',
    oldestWaiting: 'Oldest waits',
    queuesAway: 'Redis does not answer; the queues cannot be shown. What was accepted is safe in the database.',
    queue_interactive: 'requests of waiting clients',
    queue_background: 'asynchronous requests',
    queue_webhooks: 'webhook deliveries',
    queue_maintenance: 'maintenance',
    schedules: 'Periodic work, last through',
    schedule_retention: 'Retention (every night)',
    schedule_rollups: 'Counting of requests for charts',
    schedule_reconcile_accounts: 'Reconciliation: accounts',
    schedule_reconcile_segments: 'Reconciliation: ledger rows',
    schedule_reconcile_requests: 'Reconciliation: requests',
    schedule_reconcile_entries: 'Reconciliation: charges',
  },
};

const ru: typeof en = {
  labels: {
    queues: 'Очереди',
    failedJobs: 'Неудавшиеся задания',
    queue: {
      interactive: 'запросы ждущих клиентов',
      background: 'асинхронные запросы',
      webhooks: 'доставка вебхуков',
      maintenance: 'обслуживание',
    },
  },
  actions: {
    retryJob: 'Повторить',
    retryFailed: 'Повторить все неудавшиеся',
    drainFailed: 'Убрать все неудавшиеся',
  },
  properties: {
    queue: 'Очередь',
    waiting: 'Ждут',
    active: 'Выполняются',
    delayed: 'Отложены',
    failed: 'Не удались, хранятся',
    oldestWaiting: 'Дольше всех ждёт',
    jobId: 'Задание',
    jobName: 'Работа',
    tries: 'Попыток',
    failedAt: 'Не удалось',
    failedReason: 'Причина (код)',
  },
  messages: {
    explain_retryJob:
      'Задание снова встанет в очередь со всеми попытками. Сделанное не делается дважды: задание смотрит в базе, осталось ли что-то сделать, и уже вызванный провайдер второй раз не вызывается.',
    explain_retryFailed:
      'Самые старые неудавшиеся задания этой очереди снова встанут в неё, до 500 за раз. Сделанное не делается дважды.',
    explain_drainFailed:
      'Самые старые неудавшиеся задания этой очереди будут убраны, до 500 за раз. Ни деньги, ни запросы не теряются: резервы и доставки записаны в базе, и обходчик скоро снова поставит в очередь то, что ещё не сделано.',
    countsTaken: 'Заданий:',
    countsLeft: 'Осталось неудавшихся в очереди:',
    openQueues: 'Неудавшиеся задания: повторить, убрать',
    openBoard: 'Все задания, только просмотр (Bull Board)',
    queues: 'Очереди',
    queue: 'Очередь',
    waiting: 'Ждут',
    active: 'Выполняются',
    delayed: 'Отложены',
    failed: 'Не удались, хранятся',
    oldestWaiting: 'Дольше всех ждёт',
    queuesAway: 'Redis не отвечает, очереди показать нельзя. Принятое цело в базе данных.',
    queue_interactive: 'запросы ждущих клиентов',
    queue_background: 'асинхронные запросы',
    queue_webhooks: 'доставка вебхуков',
    queue_maintenance: 'обслуживание',
    schedules: 'Периодическая работа, завершена в последний раз',
    schedule_retention: 'Удаление по срокам (каждую ночь)',
    schedule_rollups: 'Подсчёт запросов для графиков',
    schedule_reconcile_accounts: 'Сверка: аккаунты',
    schedule_reconcile_segments: 'Сверка: записи журнала операций',
    schedule_reconcile_requests: 'Сверка: запросы',
    schedule_reconcile_entries: 'Сверка: списания',
  },
};

export const QUEUE_WORDS = { en, ru };
