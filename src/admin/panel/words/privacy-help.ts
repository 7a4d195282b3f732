/** Each next step of a data subject's request, and how it is done in plain words, in both languages. */

const none = { actions: {}, properties: {} };

const en = {
  ...none,
  labels: {
    nextStep: {
      identify: 'Make sure who asks, and note how',
      await_identity: 'Wait until the subject shows who it is, then note how',
      expire: 'Nobody has shown who asks, and the term is over: end it',
      plan: 'Plan the erasure: count what would go',
      answer: 'Answer, then note what was answered',
      correct: 'Correct the data where it stands (the e-mail: on the account’s page), then note which field it was',
      await_archive: 'Nothing: the workers build the archive with the answer',
      rebuild_archive: 'The archive could not be built, or its week is over: have it built again',
      give_link: 'Make a link to the archive and send it to where the subject wants the answer',
      await_download: 'Nothing: the subject has the link, or gets it with a key; the download answers the request',
      check_download:
        'The download was begun: ask whether the file arrived. If not, make another link; if so, note it as answered',
      await_subject: 'Wait for what the subject was asked, then note that it came',
      unblock: 'Remove what stands in the way, then plan again',
      submit: 'Give the plan to a second person',
      approve: 'An admin who did not plan it reads the plan and approves its hash',
      cool_off: 'Nothing: the workers begin after the cooling-off',
      await_workers: 'Nothing: the workers erase and check',
      retry: 'Find out why it is incomplete, then repeat it',
      release: 'Wait for the end of what holds it up, then let it go on',
      notify: 'Send the notices to those who got the data (texts below), and note each as sent',
      none: 'Nothing: it is over',
    },
  },
  messages: {
    help_nextStep_identify:
      'Nothing may be told or erased before it is known that the subject or a representative asks. A key of the account, a signed letter or an electronic signature is enough; never ask for a passport without a real doubt, and keep no copy. Then press “Identity shown”.',
    help_nextStep_plan:
      'Press “Plan the erasure”. It only counts: what would be erased, what has to stay and by which norm, and what stands in the way.',
    help_nextStep_await_identity:
      'What was asked for is in the history. When it comes, press “Identity shown”. The term runs on; when it is over and nothing came, the request can be ended.',
    help_nextStep_expire:
      'An admin presses “Never identified”, with what was asked for and when. The subject may file again at any time.',
    help_nextStep_answer:
      'Do what is asked, or prepare what is wanted, and write to the subject within the term. Then an admin presses “Answered” and notes what was answered, or refuses with the norm where it cannot be done.',
    help_nextStep_correct:
      'Correct what is wrong where it stands, tell the subject within seven working days of the proof, then an admin notes by “Corrected” which field it was. Neither the old value nor the new one belongs into the note.',
    help_nextStep_await_archive:
      'The workers build the archive of everything that is kept about the subject. It takes some minutes.',
    help_nextStep_rebuild_archive: 'The archive could not be built, or its week is over. Have it built anew.',
    help_nextStep_give_link:
      'Make the link and send it to the address on this page and to no other. It gives the file once and lives for a week.',
    help_nextStep_await_download:
      'The subject has the link, or takes the file with a key of the account. The download is the answer.',
    help_nextStep_check_download:
      'The download has begun. Ask whether the file arrived: if not, make another link; if it did, an admin notes the answer.',
    help_nextStep_notify:
      'Those who got the data from us have to be told as well. The notices are among the files of this page: send each one, then note that it was sent. A request is answered only after that; an erasure is over and stays in the queue until then.',
    help_nextStep_await_subject:
      'The subject was asked for more. The term goes on: what lacks because of us is no reason for a delay. When it comes, press “What was asked for came”.',
    help_nextStep_unblock:
      'The plan lists what is in the way: a balance (give it back by an adjustment), requests that run, a correction that waits, a legal hold. Remove it, then plan again. The term goes on meanwhile.',
    help_nextStep_submit: 'Read the plan. If it is right, press “Give to a second person”: nobody erases alone.',
    help_nextStep_approve:
      'An admin who did not make the plan reads it, copies its hash from this page and approves. From the end of the cooling-off on there is no way back.',
    help_nextStep_cool_off:
      'The subject may still take it back. When the cooling-off is over, the workers begin by themselves; what was processed unlawfully is not waited for.',
    help_nextStep_await_workers:
      'The workers erase class by class and then count what is left. It takes some minutes; the act of destruction is drawn by itself.',
    help_nextStep_retry:
      'Below stands what is incomplete. Find out why, then press “Repeat the erasure”: what is done is not done twice.',
    help_nextStep_release:
      'The history says what holds it up, by which norm and until when; the subject has to be told. The term runs on. When the reason is gone, an admin presses “Let it go on”.',
    help_nextStep_none:
      'Send the letter, if that has not been done: it is among the files of this page. What was written goes 30 days after the end.',
  },
};

const ru: typeof en = {
  ...none,
  labels: {
    nextStep: {
      identify: 'Убедиться, кто обращается, и отметить как',
      await_identity: 'Ждать, пока субъект подтвердит личность, и отметить как',
      expire: 'Личность не подтверждена, срок истёк: завершить',
      plan: 'Составить план: подсчитать, что будет уничтожено',
      answer: 'Ответить и отметить, что отвечено',
      correct:
        'Исправить данные там, где они стоят (e-mail — на странице учётной записи), и отметить, какое это было поле',
      await_archive: 'Ничего: обработчики составляют архив с ответом',
      rebuild_archive: 'Архив не удалось составить или его неделя истекла: составить заново',
      give_link: 'Создать ссылку на архив и отправить её туда, где субъект ждёт ответа',
      await_download: 'Ничего: ссылка у субъекта или он возьмёт её своим ключом; скачивание и есть ответ',
      check_download: 'Скачивание начато: узнать, дошёл ли файл. Нет — создать новую ссылку; да — отметить ответ',
      await_subject: 'Ждать сведений от субъекта и отметить, что они получены',
      unblock: 'Устранить препятствия и составить план заново',
      submit: 'Передать план второму человеку',
      approve: 'Администратор, не составлявший план, читает его и одобряет его хеш',
      cool_off: 'Ничего: обработчики начнут после периода ожидания',
      await_workers: 'Ничего: обработчики уничтожают и проверяют',
      retry: 'Выяснить, почему не завершено, и повторить',
      release: 'Ждать, пока отпадёт причина приостановки, и возобновить',
      notify: 'Отправить уведомления тем, кому передавались данные (тексты ниже), и отметить каждое',
      none: 'Ничего: завершено',
    },
  },
  messages: {
    help_nextStep_identify:
      'Пока неизвестно, что обращается сам субъект или его представитель, ничего нельзя ни сообщать, ни удалять. Достаточно ключа учётной записи, подписанного письма или электронной подписи; паспорт без настоящих сомнений не просят, копии не хранят. Затем нажмите «Личность подтверждена».',
    help_nextStep_plan:
      'Нажмите «Составить план». Это только подсчёт: что будет уничтожено, что по закону останется и что мешает.',
    help_nextStep_await_identity:
      'Что запрошено — в истории. Когда подтверждение придёт, нажмите «Личность подтверждена». Срок не останавливается; если он истёк, а ничего не пришло, запрос можно завершить.',
    help_nextStep_expire:
      'Администратор нажимает «Личность не подтверждена» и пишет, что и когда запрашивали. Субъект может обратиться снова в любое время.',
    help_nextStep_answer:
      'Сделайте то, о чём просят, или подготовьте сведения и напишите субъекту в срок. Затем администратор нажимает «Ответ дан» и отмечает, что отвечено; если исполнить нельзя — отказывает со ссылкой на норму.',
    help_nextStep_correct:
      'Исправьте неверное там, где оно стоит, сообщите субъекту в течение семи рабочих дней с доказательства; затем администратор отмечает через «Исправлено», какое это было поле. Ни старому, ни новому значению в отметке не место.',
    help_nextStep_await_archive: 'Обработчики собирают архив всего, что хранится о субъекте. Это несколько минут.',
    help_nextStep_rebuild_archive: 'Архив не удалось составить, или его неделя истекла. Составьте его заново.',
    help_nextStep_give_link:
      'Создайте ссылку и отправьте её только на адрес с этой страницы. Она отдаёт файл один раз и живёт неделю.',
    help_nextStep_await_download:
      'Ссылка у субъекта, или он возьмёт файл ключом учётной записи. Скачивание и есть ответ.',
    help_nextStep_check_download:
      'Скачивание начато. Узнайте, дошёл ли файл: если нет, создайте новую ссылку, если да — администратор отмечает ответ.',
    help_nextStep_notify:
      'Тех, кто получил данные от нас, тоже нужно известить. Уведомления — в файлах на этой странице: отправьте каждое и отметьте отправку. Ответ на обращение ждёт этого; уничтожение уже исполнено и остаётся в очереди до последнего.',
    help_nextStep_await_subject:
      'У субъекта запрошены сведения. Срок не останавливается: то, чего не хватает по нашей вине, задержки не оправдывает. Когда сведения придут, нажмите «Сведения получены».',
    help_nextStep_unblock:
      'В плане указано, что мешает: остаток (верните его корректировкой), выполняющиеся запросы, ждущая корректировка, запрет на уничтожение. Устраните и составьте план заново. Срок тем временем идёт.',
    help_nextStep_submit:
      'Прочитайте план. Если он верен, нажмите «Передать второму человеку»: в одиночку никто ничего не уничтожает.',
    help_nextStep_approve:
      'Администратор, который план не составлял, читает его, копирует хеш с этой страницы и одобряет. После периода ожидания пути назад нет.',
    help_nextStep_cool_off:
      'Субъект ещё может передумать. По окончании периода ожидания обработчики начнут сами; обработанное неправомерно уничтожается без ожидания.',
    help_nextStep_await_workers:
      'Обработчики уничтожают данные класс за классом и затем считают, что осталось. Это несколько минут; акт об уничтожении составится сам.',
    help_nextStep_retry:
      'Ниже указано, что не завершено. Выясните почему и нажмите «Повторить уничтожение»: сделанное дважды не делается.',
    help_nextStep_release:
      'В истории указано, почему приостановлено, по какой норме и до какого срока; субъекту об этом сообщают. Срок не останавливается. Когда причина отпала, администратор нажимает «Возобновить».',
    help_nextStep_none:
      'Отправьте письмо, если это ещё не сделано: оно в файлах на этой странице. Написанное субъектом удаляется через 30 дней после окончания.',
  },
};

export const PRIVACY_HELP_WORDS = { en, ru };
