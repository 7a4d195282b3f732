import { model, Schema } from 'mongoose';

/** A piece of the sealed ZIP that answers a request of access. What is known of the whole is in the request's row. */
export type ArchivePieceDocument = {
  /** `<request>|<build>|<number>` */
  _id: string;
  accountId: string;
  requestId: string;
  /** Pieces of one run belong together; a run that died leaves some behind. */
  buildId: string;
  number: number;
  at: Date;
  /** The archive's own key, sealed under the account's: with that one it ends in backups too. */
  key: Buffer;
  /** Sealed under the archive's key. */
  content: Buffer;
};

const pieceSchema = new Schema<ArchivePieceDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    requestId: { type: String, required: true },
    buildId: { type: String, required: true },
    number: { type: Number, required: true },
    at: { type: Date, required: true },
    key: { type: Buffer, required: true },
    content: { type: Buffer, required: true },
  },
  { collection: 'access_archive_pieces', versionKey: false, strict: 'throw' },
);
pieceSchema.index({ requestId: 1, buildId: 1, number: 1 });
pieceSchema.index({ accountId: 1 });
pieceSchema.index({ at: 1 });

export const ArchivePiece = model('ArchivePiece', pieceSchema);
