/** Commands about data subjects' requests, and what each does in plain words, in both languages. */

const none = { labels: {}, properties: {} };

const en = {
  ...none,
  actions: {
    fileSubject: 'Enter a letter',
    openUnlawful: 'Unlawful processing',
    verifyIdentity: 'Identity shown',
    askIdentity: 'Ask who it is',
    askMore: 'Ask for more',
    moreCame: 'What was asked for came',
    holdSubject: 'Hold up',
    releaseSubject: 'Let it go on',
    rejectErasure: 'Send the plan back',
    expireSubject: 'Never identified',
    planErasure: 'Plan the erasure',
    submitErasure: 'Give to a second person',
    approveErasure: 'Approve the erasure',
    retryErasure: 'Repeat the erasure',
    answerSubject: 'Answered',
    correctSubject: 'Corrected',
    noticeSent: 'Notice sent',
    noticeAnswered: 'Recipient has answered',
    archiveLink: 'Link to the archive',
    archiveRebuild: 'Build the archive again',
    extendTerm: 'Extend the term',
    refuseSubject: 'Refuse',
    cancelSubject: 'Taken back',
    duplicateSubject: 'Duplicate',
  },
  messages: {
    explain_fileSubject:
      'For a letter or an e-mail. The term runs from the day it came, so give that day if it was not today.',
    explain_openUnlawful:
      'For data that must not be here: of a minor without a representative’s consent, or obtained unlawfully. The account is blocked at once. Ten working days from the finding, seven from a subject’s proof; nobody’s change of mind is waited for. Note who asks and how that was shown; keep no copy of the proof. The unused balance has to be given back first.',
    explain_verifyIdentity: 'A copy of the proof is not kept. Deletion-like requests block the account from here on.',
    explain_askIdentity:
      'For a letter that does not show who wrote it. Ask first, at the address in the account; here goes what was asked for. Ask for no more than is needed.',
    explain_askMore:
      'For what the request cannot be carried out without. Ask first; here goes what was asked for, without personal data. The term runs on.',
    explain_moreCame: 'The request goes on. Here goes what came, without personal data.',
    explain_holdSubject:
      'Nothing is destroyed meanwhile. Name the norm and until when. The account stays blocked where it is. A legal hold on the account itself is set on the account’s page.',
    explain_releaseSubject: 'The request goes on as one whose subject is known; an erasure is planned anew.',
    explain_rejectErasure: 'The plan goes back to whoever made it. Say what is wrong with it.',
    explain_expireSubject: 'Only when the term is over. The account is unblocked when nothing else blocks it.',
    explain_planErasure:
      'Counts, and changes nothing. The page then shows what would go, what stays and by which norm.',
    explain_submitErasure: 'An admin who did not make the plan has to approve it.',
    explain_approveErasure:
      'Paste the hash of the plan that you have read on this page. The workers erase after 24 hours, or at once what was processed unlawfully, and nobody can bring it back.',
    explain_retryErasure: 'The workers go through all classes once more.',
    explain_answerSubject: 'Send the answer first. Here goes what was answered, without personal data.',
    explain_correctSubject:
      'Fill in: which field was wrong, where it stands (contact, name of a key, ticket), the day of the correction, and how the subject was told. Not the old value and not the new one: both are personal data.',
    explain_noticeSent:
      'Send the notice first: it is among the files of the page. A request that is answered waits for all of them; an erasure stays in the queue until then.',
    explain_noticeAnswered: 'The recipient has said what was done. The law asks us to tell, not to have an answer.',
    explain_archiveLink:
      'Made anew each time; the link before stops working. It gives the file once and lives until the archive’s week is over. Send it to the address on this page only.',
    explain_archiveRebuild: 'The workers build it from what is there now. A link that was given stops working.',
    explain_extendTerm:
      'Five working days more, where the law has them. Write the reasons as the subject may read them: they are in the notice, which is then among the files of the page. Send it at once: without it the term stays as it was.',
    explain_refuseSubject:
      'Write the reason with its norm, as the subject may read it: it is in the refusal, which is then among the files of the page. Send it within the term. The account is unblocked when nothing else blocks it.',
    explain_cancelSubject: 'The subject takes the request back. The account is unblocked when nothing else blocks it.',
    explain_duplicateSubject: 'Another request of the same subject says the same.',
  },
};

const ru: typeof en = {
  ...none,
  actions: {
    fileSubject: 'Внести письмо',
    openUnlawful: 'Неправомерная обработка',
    verifyIdentity: 'Личность подтверждена',
    askIdentity: 'Запросить подтверждение',
    askMore: 'Запросить сведения',
    moreCame: 'Сведения получены',
    holdSubject: 'Приостановить',
    releaseSubject: 'Возобновить',
    rejectErasure: 'Вернуть план',
    expireSubject: 'Личность не подтверждена',
    planErasure: 'Составить план',
    submitErasure: 'Передать второму человеку',
    approveErasure: 'Одобрить уничтожение',
    retryErasure: 'Повторить уничтожение',
    answerSubject: 'Ответ дан',
    correctSubject: 'Исправлено',
    noticeSent: 'Уведомление отправлено',
    noticeAnswered: 'Получатель ответил',
    archiveLink: 'Ссылка на архив',
    archiveRebuild: 'Составить архив заново',
    extendTerm: 'Продлить срок',
    refuseSubject: 'Отказать',
    cancelSubject: 'Отозван субъектом',
    duplicateSubject: 'Повтор',
  },
  messages: {
    explain_fileSubject:
      'Для письма или e-mail. Срок идёт со дня поступления: укажите этот день, если он был не сегодня.',
    explain_openUnlawful:
      'Для данных, которых здесь быть не должно: несовершеннолетнего без согласия представителя или полученных незаконно. Учётная запись блокируется сразу. Десять рабочих дней с выявления, семь — с доказательства субъекта; периода ожидания нет. Отметьте, кто обращается и чем это подтверждено; копию подтверждения не храните. Неиспользованный остаток нужно сначала вернуть.',
    explain_verifyIdentity:
      'Копия подтверждения не хранится. Запросы об удалении с этого момента блокируют учётную запись.',
    explain_askIdentity:
      'Для письма, из которого не видно, кто его написал. Сначала запросите — по адресу из учётной записи; здесь — что запрошено. Не просите больше нужного.',
    explain_askMore:
      'Для того, без чего запрос нельзя исполнить. Сначала запросите; здесь — что запрошено, без персональных данных. Срок не останавливается.',
    explain_moreCame: 'Запрос продолжается. Здесь — что получено, без персональных данных.',
    explain_holdSubject:
      'Тем временем ничего не уничтожается. Укажите норму и до какого срока. Блокировка учётной записи остаётся. Запрет на уничтожение для самой учётной записи ставится на её странице.',
    explain_releaseSubject: 'Запрос продолжается, личность уже известна; план уничтожения составляется заново.',
    explain_rejectErasure: 'План возвращается тому, кто его составил. Напишите, что в нём не так.',
    explain_expireSubject: 'Только когда срок истёк. Учётная запись разблокируется, если её не блокирует другое.',
    explain_planErasure: 'Только подсчёт. Страница покажет, что будет уничтожено, что останется и по какой норме.',
    explain_submitErasure: 'Одобрить должен администратор, который план не составлял.',
    explain_approveErasure:
      'Вставьте хеш плана, прочитанного на этой странице. Обработчики уничтожат данные через 24 часа, обработанные неправомерно — сразу, и вернуть их не сможет никто.',
    explain_retryErasure: 'Обработчики пройдут все классы ещё раз.',
    explain_answerSubject: 'Сначала отправьте ответ. Здесь — что отвечено, без персональных данных.',
    explain_correctSubject:
      'Заполните: какое поле было неверным, где оно стоит (контакт, название ключа, обращение в поддержку), дату исправления и как об этом сообщено субъекту. Без старого и нового значения: это персональные данные.',
    explain_noticeSent:
      'Сначала отправьте уведомление: оно в файлах на странице. Ответ на обращение ждёт всех уведомлений; уничтожение остаётся в очереди до последнего.',
    explain_noticeAnswered: 'Получатель сообщил, что сделано. Закон требует уведомить, а не получить ответ.',
    explain_archiveLink:
      'Каждый раз создаётся новая, прежняя перестаёт работать. Отдаёт файл один раз и живёт, пока не истекла неделя архива. Отправляйте только на адрес с этой страницы.',
    explain_archiveRebuild: 'Обработчики составят его по нынешним данным. Выданная ссылка перестанет работать.',
    explain_extendTerm:
      'Ещё пять рабочих дней, если закон их даёт. Причины пишите для субъекта: они войдут в уведомление, которое появится в файлах на странице. Отправьте его сразу: без него срок остаётся прежним.',
    explain_refuseSubject:
      'Причину с нормой пишите для субъекта: она войдёт в отказ, который появится в файлах на странице. Отправьте его в срок. Учётная запись разблокируется, если её не блокирует другое.',
    explain_cancelSubject: 'Субъект отзывает запрос. Учётная запись разблокируется, если её не блокирует другое.',
    explain_duplicateSubject: 'Другой запрос того же субъекта говорит о том же.',
  },
};

export const PRIVACY_COMMAND_WORDS = { en, ru };
