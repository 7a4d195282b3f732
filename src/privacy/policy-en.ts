import type { PolicyContent } from '../models/policy.ts';
import type { PolicyFacts } from './policy-facts.ts';

/** The policy's words in English. What depends on settings comes as facts. */

export const RIGHTS = {
  access: 'to learn what is processed, and to get it',
  rectify: 'to have mistakes put right',
  block: 'to have processing blocked while it is looked at',
  stop_processing: 'to have processing stopped',
  withdraw_consent: 'to withdraw a consent',
  erase_account: 'to close the account and have its data destroyed',
  erase_unlawful: 'to have destroyed what is processed unlawfully, a child’s data among it',
} as const;

const given = (text: string) => (text === '' ? 'not stated' : text);

export function englishPolicy({ operator, classes, rights, recipients }: PolicyFacts): PolicyContent {
  const types = Object.keys(RIGHTS) as (keyof typeof RIGHTS)[];
  return {
    title: 'Privacy policy',
    sections: [
      {
        heading: 'Who answers for the data',
        paragraphs: [
          `Operator: ${given(operator.name)}. Address: ${given(operator.address)}. Taxpayer’s number: ${given(operator.inn)}. E-mail for requests: ${given(operator.email)}.`,
          'The Russian text decides where the two differ.',
        ],
      },
      {
        heading: 'Which data, what for, and for how long',
        paragraphs: [
          'The table is made of the settings in force: the daily purge goes by the same terms, and every destruction is put on record in an act.',
        ],
        table: { head: ['Data', 'Purpose', 'Legal basis', 'Term'], rows: classes },
      },
      {
        heading: 'Texts of requests and answers',
        paragraphs: [
          'Texts are stored encrypted under a key of each account. When the account is erased, the key is destroyed as well.',
          'Keeping them can be turned off for an account, a key or a single request: then they go as soon as the request has ended.',
          'When a request holds data of other people, you stay the operator of these data, and we process them on your instruction.',
        ],
      },
      {
        heading: 'Who receives data',
        paragraphs: [
          'The text of a request goes to the provider of the model that you chose. The account’s number, the key and contacts do not go with it.',
          'Every model shows its provider’s country. Transfer out of Russia can be forbidden for the whole account: then requests go to providers in Russia only, and other models are not available.',
        ],
        ...(recipients.length === 0 ? {} : { table: { head: ['Country', 'Providers'], rows: recipients } }),
      },
      {
        heading: 'Your rights',
        paragraphs: [
          'A request is filed by the API with a key of the account that has the scope privacy (POST /v1/account/privacy-requests), or by a letter to the operator. A suspended account may file as well. You will be told what was done, what stays, and on which norm.',
          'Until a day after an erasure was approved it can be taken back. What the operator does can be appealed against to Roskomnadzor or in court.',
        ],
        table: {
          head: ['What can be demanded', 'Norm', 'Term'],
          rows: types.map((type) => [RIGHTS[type], rights[type].norm, rights[type].term]),
        },
      },
      {
        heading: 'Consents',
        paragraphs: [
          'The service itself needs no consent: data are processed to perform the contract. Where something else needs one, it is asked for in a document of its own for each purpose, and withdrawn as easily as it is given.',
        ],
      },
      {
        heading: 'Cookies',
        paragraphs: [
          'Public pages set no cookie at all and have no counters. The only cookie of the service is necessary for staff to sign in to the back-office.',
        ],
      },
      {
        heading: 'Children',
        paragraphs: [
          'The service is not meant for minors without the consent of their parents. When such data have come to us, processing stops and they are destroyed within the terms for unlawful processing. A paper that proves age or kinship is not kept.',
        ],
      },
      {
        heading: 'Security and leaks',
        paragraphs: [
          'Staff have access by role and with a second factor, and what they do is written into a log that cannot be changed unnoticed.',
          'Of a leak that infringed people’s rights Roskomnadzor is told within 24 hours, and of what the investigation found within 72 hours.',
        ],
      },
      {
        heading: 'Changes',
        paragraphs: [
          'Every version has a number, a date from which it holds, and a checksum. Earlier versions stay on this page. A new version does not widen consents that were given before.',
        ],
      },
    ],
  };
}
