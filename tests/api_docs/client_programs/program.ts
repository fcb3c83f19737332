// What somebody writes against the generated types: compiled under --strict, then run against a server.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { env: Record<string, string> };

type Schemas = components["schemas"];

const client = createClient<paths>({
  baseUrl: process.env.SERVER,
  headers: { Authorization: `ApiKey ${process.env.KEY}` },
});

function dataOf<T>(answer: { data?: { data: T }; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data.data;
}

// Every level says by its one field what it is.
function inWords(condition: Schemas["Condition"]): string {
  if ("all" in condition) return `all(${condition.all.map(inWords).join(", ")})`;
  if ("any" in condition) return `any(${condition.any.map(inWords).join(", ")})`;
  const { fact, operator, value, value_fact } = condition.condition;
  return `${fact} ${operator} ${value ?? value_fact}`;
}

function verdicts(trace: Schemas["ConditionTrace"]): string {
  const mark = trace.holds ? "yes" : "no";
  if ("all" in trace) return `all(${trace.all.map(verdicts).join(", ")}): ${mark}`;
  if ("any" in trace) return `any(${trace.any.map(verdicts).join(", ")}): ${mark}`;
  return `${trace.condition.fact} was ${trace.saw}: ${mark}`;
}

const source = dataOf(await client.POST("/api/v1/accounts/income-sources", { body: { nickname: "Pay" } }));
const pod = dataOf(await client.POST("/api/v1/accounts/pods", { body: { nickname: "Rent" } }));

const nested: Schemas["ConditionInput"] = {
  all: [
    { condition: { fact: "TRANSFER_AMOUNT", operator: "GREATER_THAN", value: 100 } },
    { any: [{ condition: { fact: "DATE", operator: "LESS_THAN_OR_EQUAL", value_fact: "LAST_DAY_OF_MONTH" } }] },
  ],
};
// What has a default may be left out.
const body: Schemas["RuleBody"] = {
  trigger: { type: "MANUAL", account_id: source.id },
  steps: [
    {
      conditions: nested,
      actions: [
        {
          type: "percentage",
          source: { id: source.id },
          destination: { id: pod.id },
          percentage_value: 50,
          percentage_target: "INCOMING_AMOUNT",
          up_to_enabled: true,
          limit: { period: "PER_MONTH", amount_in_cents: 20000 },
        },
      ],
    },
  ],
};
const created = dataOf(await client.POST("/api/v1/rules", { body }));
const at = { params: { path: { rule_id: created.id } } };

const rule = dataOf(await client.GET("/api/v1/rules/{rule_id}", at));
const step = rule.steps[0];
const action = step.actions[0];
const share: number | null = action.type === "percentage" ? action.percentage_value : null;
const name: string = action.source.name;

// What GET gives, PUT takes.
const back = dataOf(
  await client.PUT("/api/v1/rules/{rule_id}", { ...at, body: rule }),
);

const started = dataOf(
  await client.POST("/api/v1/rules/{rule_id}/trigger", { ...at, body: { manual_execute_amount: 50000, simulation: true } }),
);
const execution = dataOf(
  await client.GET("/api/v1/rule-executions/{rule_execution_id}", {
    params: { path: { rule_execution_id: started.execution_id } },
  }),
);
const details = execution.trigger_details;
const because = details.type === "scheduled" ? details.scheduled_time : String(details.amount_in_cents);
const seen = execution.trace.steps[0].conditions;
const told = execution.trace.actions[0];
const cut = told.result === "skipped" ? told.reason : told.limit?.limit_in_cents;
const moved = told.result === "skipped" ? [] : told.movements.map((movement) => movement.result);

console.log(
  JSON.stringify({
    conditions: step.conditions && inWords(step.conditions),
    same: JSON.stringify(back.steps) === JSON.stringify(rule.steps),
    share,
    name,
    because,
    seen: seen && verdicts(seen),
    cut,
    moved,
  }),
);

// What the types must refuse; without a mistake in the next line the compiler complains.
// @ts-expect-error: there is no such fact.
const unknownFact: Schemas["ConditionInput"] = { condition: { fact: "WEATHER", operator: "EQUALS", value: 1 } };
// @ts-expect-error: an action of this type has an amount.
const missingAmount: Schemas["ActionInput"] = { type: "fixed_amount", source: { id: "a" }, destination: { id: "b" } };
// @ts-expect-error: a trace's conditions are no text.
const wrongTrace: string = execution.trace.steps[0].conditions;
void [unknownFact, missingAmount, wrongTrace];
