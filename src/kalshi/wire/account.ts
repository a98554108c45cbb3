/**
 * The exchange's state and what it lets us do: status, freshness of its answers, rate limits, costs.
 * Source: OpenAPI of Kalshi's Trade API 3.30 (package kalshi-typescript); page "rate limits".
 */
import type { TimestampUs } from "../../core/index.ts";
import {
  defaulted,
  field,
  flag,
  integer,
  isoTime,
  listOrNone,
  named,
  natural,
  optional,
  record,
  text,
  timeOrNull,
  within,
} from "./codec.ts";

export interface ShardStatus {
  readonly exchangeIndex: number;
  readonly description: string;
  readonly exchangeActive: boolean;
  readonly tradingActive: boolean;
}

export interface ExchangeStatus {
  /** False: nothing can be done. */
  readonly exchangeActive: boolean;
  /** False: orders rest and can be cancelled, nothing trades. */
  readonly tradingActive: boolean;
  readonly resumeUs: TimestampUs | null;
  readonly shards: readonly ShardStatus[];
}

export const exchangeStatus = record<ExchangeStatus>({
  exchangeActive: field("exchange_active", flag),
  tradingActive: field("trading_active", flag),
  resumeUs: timeOrNull("exchange_estimated_resume_time"),
  shards: listOrNone(
    "exchange_index_statuses",
    record<ShardStatus>({
      exchangeIndex: field("exchange_index", integer),
      description: defaulted("description", text, ""),
      exchangeActive: field("exchange_active", flag),
      tradingActive: field("trading_active", flag),
    }),
  ),
});

/** The moment up to which orders, fills and positions that are read are complete. */
export const userDataTime = within("as_of_time", isoTime);

/** A bucket of tokens: each request takes some, time gives them back. */
export interface BucketLimit {
  readonly refillPerSecond: number;
  readonly capacity: number;
}

export interface AccountLimits {
  readonly tier: string;
  readonly read: BucketLimit;
  readonly write: BucketLimit;
}

const bucketLimit = record<BucketLimit>({
  refillPerSecond: field("refill_rate", natural),
  capacity: field("bucket_capacity", natural),
});

export const accountLimits = record<AccountLimits>(
  {
    tier: defaulted("usage_tier", text, ""),
    read: field("read", bucketLimit),
    write: field("write", bucketLimit),
  },
  () => ({ grants: [] }),
);

export interface EndpointCost {
  readonly method: string;
  /** With the prefix, and with parameters as ":order_id". */
  readonly path: string;
  readonly cost: number;
}

export interface EndpointCosts {
  readonly defaultCost: number;
  readonly costs: readonly EndpointCost[];
}

export const endpointCosts = record<EndpointCosts>({
  defaultCost: field("default_cost", natural),
  costs: listOrNone(
    "endpoint_costs",
    record<EndpointCost>({
      method: field("method", named),
      path: field("path", named),
      cost: field("cost", natural),
    }),
  ),
});

/** Cash that is moved between shards; the answer is the transfer's id. */
export interface ShardTransfer {
  /** In centi-cents, which the wire counts in too. */
  readonly amountCc: number;
  readonly fromShard: number;
  readonly toShard: number;
  readonly subaccount: number | null;
}

export const shardTransfer = record<ShardTransfer>(
  {
    amountCc: field("amount", natural),
    fromShard: field("source_exchange_shard", integer),
    toShard: field("destination_exchange_shard", integer),
    subaccount: optional("subaccount", natural),
  },
  () => ({ source: "event_contract", destination: "event_contract" }),
);

export const shardTransferred = within("transfer_id", named);
