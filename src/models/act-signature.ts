import { model, Schema } from 'mongoose';

export const SIGNATURE_KINDS = ['scan', 'detached'] as const;
/** A scan of the paper that was signed by hand, or a detached electronic signature over the act's PDF. */
export type SignatureKind = (typeof SIGNATURE_KINDS)[number];

/** What makes an act of destruction a signed one. */
export type ActSignatureDocument = {
  _id: string;
  actNumber: number;
  kind: SignatureKind;
  mediaType: string;
  bytes: number;
  /** Of the file as it came. */
  sha256: string;
  /** The file, sealed: it shows a person's hand. */
  content: Buffer;
  by: string;
  at: Date;
};

const schema = new Schema<ActSignatureDocument>(
  {
    _id: { type: String, required: true },
    actNumber: { type: Number, required: true },
    kind: { type: String, enum: SIGNATURE_KINDS, required: true },
    mediaType: { type: String, required: true },
    bytes: { type: Number, required: true },
    sha256: { type: String, required: true },
    content: { type: Buffer, required: true },
    by: { type: String, required: true },
    at: { type: Date, required: true },
  },
  { collection: 'act_signatures', versionKey: false, strict: 'throw' },
);
schema.index({ actNumber: 1, sha256: 1 }, { unique: true });
schema.index({ at: 1 });

export const ActSignature = model('ActSignature', schema);
