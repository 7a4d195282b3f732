/** What each setting is about, for those who run the service. Numbers that only a machine's owner needs are left out. */

export const SETTING_GROUPS = [
  'limits',
  'timers',
  'providers',
  'rates',
  'webhooks',
  'workers',
  'keeping',
  'support',
  'money',
  'staff',
] as const;
export type SettingGroup = (typeof SETTING_GROUPS)[number];

type Row = readonly [name: string, group: SettingGroup, ru: string, en: string];

/** Of the environment. */
export const SETTING_TEXTS: readonly Row[] = [
  ['API_BODY_BYTES_MAX', 'limits', 'Наибольшее тело запроса', 'Largest request body'],
  ['API_IN_FLIGHT_MAX', 'limits', 'Запросов одновременно на процесс api; лишним отвечают 503', 'Requests at once of one api process; more get 503'],
  ['OPEN_REQUESTS_MAX', 'limits', 'Открытых запросов одного аккаунта; лишним отвечают 429', 'Open requests of one account; more get 429'],
  ['PROVIDER_BYTES_MAX', 'limits', 'Наибольший ответ провайдера', 'Largest answer of a provider'],
  ['API_READER_BUFFER_BYTES_MAX', 'limits', 'Непрочитанного медленным клиентом до разрыва; он может продолжить', 'Unread bytes of a slow client before it is disconnected; it can resume'],
  ['API_READS_PER_SECOND_MAX', 'limits', 'Чтений (GET) в секунду на ключ', 'GET calls per second and key'],
  ['ADMISSION_SYNC_WAIT_PERCENT', 'limits', 'Обычному запросу отказывают, если ждать дольше этой доли его срока', 'A plain request is refused when it would wait longer than this share of its deadline'],
  ['ADMISSION_STREAM_WAIT_PERCENT', 'limits', 'То же для потоков', 'The same for streams'],
  ['ADMISSION_ASYNC_WAIT_PERCENT', 'limits', 'То же для асинхронных запросов', 'The same for asynchronous requests'],
  ['REQUEST_DEADLINE_MS', 'timers', 'Срок обычного запроса от приёма до конца', 'Deadline of a plain request, from acceptance to the end'],
  ['STREAM_DEADLINE_MS', 'timers', 'Срок потока', 'Deadline of a stream'],
  ['ASYNC_DEADLINE_MS', 'timers', 'Срок асинхронного запроса', 'Deadline of an asynchronous request'],
  ['HOLD_GRACE_MS', 'timers', 'Через сколько после срока истекает удержание денег', 'How long after the deadline a hold of money expires'],
  ['API_HEARTBEAT_MS', 'timers', 'Как часто ожидающий поток получает знак жизни', 'How often a waiting stream gets a sign of life'],
  ['API_DISCONNECT_GRACE_MS', 'timers', 'Сколько клиент может отсутствовать, пока запрос не считается брошенным', 'How long a client may be gone before its request counts as abandoned'],
  ['STREAM_TTL_SECONDS', 'timers', 'Сколько времени поток можно продолжить после обрыва', 'How long a stream can be resumed'],
  ['LEASE_MS', 'timers', 'Через сколько молчания обработчика запрос может взять другой', 'After how much silence of its worker a request may be claimed by another'],
  ['SWEEP_INTERVAL_MS', 'timers', 'Как часто ищут застрявшие запросы', 'How often requests that stand still are looked for'],
  ['SWEEP_ACCEPTED_MS', 'timers', 'Возраст принятого и никем не взятого запроса, когда им занимаются', 'Age at which an accepted request that nobody runs is taken care of'],
  ['SWEEP_SETTLE_MS', 'timers', 'Возраст завершённого, но не рассчитанного запроса, когда его рассчитывают', 'Age at which a finished request that is not settled is settled'],
  ['ERASURE_INTERVAL_MS', 'timers', 'Как часто ищут удаления субъектов, которые пора продолжить', 'How often erasures that can go on are looked for'],
  ['OUTBOX_FLUSH_MS', 'timers', 'Как часто записи по балансу переходят в журнал операций', 'How often ledger entries leave the accounts'],
  ['RECONCILE_INTERVAL_MS', 'timers', 'Как часто аккаунты сверяются с журналом операций', 'How often accounts are compared with the ledger'],
  ['RECONCILE_ROWS_PER_SECOND', 'timers', 'Старых строк журнала перечитывает процесс в секунду', 'Old ledger rows that a process reads again per second'],
  ['PROVIDER_CONNECT_MS', 'providers', 'Соединение с провайдером', 'Connecting to a provider'],
  ['PROVIDER_FIRST_BYTE_MS', 'providers', 'Ожидание первого байта', 'Waiting for its first byte'],
  ['PROVIDER_IDLE_MS', 'providers', 'Молчание посреди ответа', 'Silence in the middle of an answer'],
  ['PROVIDER_CONNECTIONS_MAX', 'providers', 'Соединений с одним провайдером на процесс', 'Connections to one provider per process'],
  ['RATE_IP_PER_MINUTE', 'rates', 'Обращений с одного адреса, до проверки ключа', 'Calls from one address, before the key is looked at'],
  ['RATE_BAD_KEYS_PER_MINUTE', 'rates', 'Неверных ключей с одного адреса', 'Invalid keys from one address'],
  ['RATE_KEY_REQUESTS_PER_MINUTE', 'rates', 'Запросов ключа без собственного лимита', 'Requests of a key that has no limit of its own'],
  ['RATE_KEY_TOKENS_PER_MINUTE', 'rates', 'Токенов такого ключа', 'Tokens of such a key'],
  ['RATE_KEY_CONCURRENCY', 'rates', 'Открытых запросов такого ключа', 'Open requests of such a key'],
  ['WEBHOOK_CONNECT_MS', 'webhooks', 'Соединение с получателем', 'Connecting to a receiver'],
  ['WEBHOOK_TOTAL_MS', 'webhooks', 'Вся попытка доставки', 'A whole attempt of delivery'],
  ['WEBHOOK_CONCURRENCY', 'webhooks', 'Доставок одновременно на процесс', 'Deliveries at once per process'],
  ['WEBHOOK_RETRY_SECONDS', 'webhooks', 'Паузы между попытками, секунды', 'Pauses between attempts, seconds'],
  ['WEBHOOK_OVERDUE_MS', 'webhooks', 'Опоздание доставки, после которого её ставят в очередь снова', 'Delay after which a delivery is enqueued again'],
  ['WEBHOOK_INLINE_BYTES_MAX', 'webhooks', 'Результат больше этого не вкладывают в уведомление', 'Larger results are not in the event'],
  ['WORKER_CONCURRENCY', 'workers', 'Запросов одновременно на процесс обработчиков', 'Requests at once per worker process'],
  ['WORKER_BACKGROUND_CONCURRENCY', 'workers', 'Фоновых заданий одновременно на процесс', 'Background jobs at once per process'],
  ['CONTENT_RETENTION_DAYS', 'keeping', 'Срок текстов запросов и ответов, пока он не изменён на странице сроков', 'Term of prompts and answers, until it is changed on the page of terms'],
  ['IDEMPOTENCY_RETENTION_HOURS', 'keeping', 'Срок ключей повтора, пока он не изменён на странице сроков', 'Term of idempotency keys, until it is changed on the page of terms'],
  ['PURGE_CRON', 'keeping', 'Когда запускается очистка', 'When the purge runs'],
  ['PURGE_TIMEZONE', 'keeping', 'В каком часовом поясе', 'In which time zone'],
  ['LOG_RETENTION_DAYS', 'keeping', 'Через сколько удаляются файлы технических журналов', 'When files of technical logs are deleted'],
  ['BACKUP_RETENTION_DAYS', 'keeping', 'Через сколько удаляются резервные копии данных', 'When backups of the data are deleted'],
  ['KEY_BACKUP_RETENTION_DAYS', 'keeping', 'Через сколько удаляются резервные копии ключей; столько после удаления данные ещё можно прочесть из копий', 'When backups of the keys are deleted; so long after an erasure data could still be read from backups'],
  ['ADMIN_SESSION_IDLE_MINUTES', 'staff', 'Молчание, после которого сеанс сотрудника заканчивается', 'Silence after which a session of staff ends'],
  ['ADMIN_SESSION_HOURS', 'staff', 'Наибольшая длина сеанса сотрудника', 'Longest session of staff'],
]; // biome-ignore format: a table of texts

/** Ports, pools, and what only whoever starts a process has to know: docs/configuration.md. */
export const SETTINGS_NOT_SHOWN: ReadonlySet<string> = new Set([
  'MONGODB_POOL_MAX', 'API_PORT', 'API_METRICS_PORT', 'API_DRAIN_MS', 'API_DRAIN_NOTICE_MS', 'ADMISSION_SAMPLE_MS', 'WORKER_FETCH_LOOPS',
  'WORKER_METRICS_PORT', 'WORKER_DRAIN_MS', 'STOP_GRACE_MS', 'QUEUE_LOCK_MS', 'QUEUE_STALLED_MS', 'LEASE_HEARTBEAT_MS', 'LOG_FILE_MEGABYTES',
  'SANDBOX_PORT', 'CRASH_PASSAGE', 'ADMIN_PORT',
]); // biome-ignore format: a table of names
