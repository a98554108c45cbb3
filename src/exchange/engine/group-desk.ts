/** What accounts do with their order groups. */
import { type Lots, LOTS_PER_CONTRACT } from "../../core/index.ts";
import type { EngineState } from "./engine-state.ts";
import type { ExchangeAccount } from "./exchange-account.ts";
import { tellGroup, triggerGroup } from "./match.ts";
import { GROUP_COUNT_MAX, GROUP_LIMIT_MAX, OrderGroupState } from "./order-groups.ts";
import { refuse, type Refusal } from "./refusal.ts";

export function createGroup(
  state: EngineState,
  account: ExchangeAccount,
  limit: Lots,
): OrderGroupState | Refusal {
  const refusal = limitRefusal(limit);
  if (refusal !== null) return refusal;
  if (account.groups.size >= GROUP_COUNT_MAX)
    return refuse("invalid_order", "too many order groups");
  const group = new OrderGroupState(state.newId(), account.index, limit);
  account.groups.set(group.orderGroupId, group);
  tellGroup(state, group, "created");
  return group;
}

export function limitGroup(
  state: EngineState,
  account: ExchangeAccount,
  id: string,
  limit: Lots,
): Refusal | null {
  return withGroup(account, id, (group) => {
    const refusal = limitRefusal(limit);
    if (refusal !== null) return refusal;
    group.limit = limit;
    tellGroup(state, group, "limit_updated");
    if (!group.isTriggered && group.volume(state.nowUs) > limit) triggerGroup(state, group);
    return null;
  });
}

export function pullGroup(
  state: EngineState,
  account: ExchangeAccount,
  id: string,
): Refusal | null {
  return withGroup(account, id, (group) => {
    triggerGroup(state, group);
    return null;
  });
}

export function resetGroup(
  state: EngineState,
  account: ExchangeAccount,
  id: string,
): Refusal | null {
  return withGroup(account, id, (group) => {
    group.reset();
    tellGroup(state, group, "reset");
    return null;
  });
}

export function deleteGroup(
  state: EngineState,
  account: ExchangeAccount,
  id: string,
): Refusal | null {
  return withGroup(account, id, (group) => {
    for (const order of group.orders) state.cancel(order, "Decrease");
    account.groups.delete(id);
    tellGroup(state, group, "deleted");
    return null;
  });
}

function withGroup(
  { groups }: ExchangeAccount,
  id: string,
  act: (group: OrderGroupState) => Refusal | null,
): Refusal | null {
  const group = groups.get(id);
  return group === undefined ? refuse("order_group_not_found") : act(group);
}

function limitRefusal(limit: Lots): Refusal | null {
  const isWithin = limit >= LOTS_PER_CONTRACT && limit <= GROUP_LIMIT_MAX * LOTS_PER_CONTRACT;
  return isWithin ? null : refuse("invalid_order", "contracts_limit is out of bounds");
}
