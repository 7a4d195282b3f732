import type { PrivacyRequestType } from '../models/privacy-request.ts';

/** What the policy's words are put around: all that depends on settings, in one language. */
export type PolicyFacts = {
  operator: { name: string; address: string; inn: string; email: string };
  /** Category, purpose, legal basis and term of each class of customers' data. */
  classes: string[][];
  /** Norm and term of each kind of request. */
  rights: Record<PrivacyRequestType, { norm: string; term: string }>;
  /** Country, and providers there. */
  recipients: string[][];
};
