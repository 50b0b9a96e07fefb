/** Amounts are decimal text: 128 bits fit no SQLite integer. The limbs beside a receipt exist to be summed. */
export const migrations: readonly string[] = [
  `create table channels (
    id integer primary key,
    side text not null check (side in ('user', 'provider')),
    chain_id text not null,
    escrow text not null,
    payer text not null,
    provider text not null,
    epoch text not null,
    authorized text not null default '0',
    voucher_signature text,
    charged text not null default '0',
    seq text not null default '0',
    receipt_session text,
    receipt text,
    claimed text not null default '0',
    unique (side, chain_id, escrow, payer, provider, epoch)
  ) strict;
  create table receipts (
    channel_id integer not null references channels (id),
    side text not null,
    session text not null,
    seq text not null,
    request_id text not null,
    started_at text not null,
    principal text not null,
    low integer not null,
    middle integer not null,
    high integer not null,
    at integer not null,
    receipt text not null,
    primary key (channel_id, session, seq)
  ) strict, without rowid;
  create index receipts_by_request on receipts (channel_id, request_id);
  create index receipts_by_time on receipts (side, at, low, middle, high);
  create index receipts_by_principal on receipts (side, principal, at, low, middle, high);`,
]
