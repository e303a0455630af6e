// The steps of the saga, from the table in workflows/compra/steps.go: each page has them as JSON (bff/pages/saga.go).
const steps = JSON.parse(document.getElementById("steps").textContent);

// The steps up to CONFIRMADA that enter a state, in their order.
export const entering = steps.filter((x) => x.state);

// participants are the services that the saga asks, in the order in which it does.
export const participants = [...new Set(steps.map((x) => x.participant))];

export const rollbacks = steps.filter((x) => x.rollback).map((x) => x.rollback);
export const refusals = steps.filter((x) => x.rollback).flatMap((x) => x.refusals);

// owner is the participant that a command is for.
export const owner = (command) => steps.find((x) => x.command === command || x.rollback === command)?.participant;

// byState makes an object of what of gives for each state that a step enters.
export const byState = (of) => Object.fromEntries(entering.map((x) => [x.state, of(x)]));

// byRollback makes an object of what of gives for each rollback.
export const byRollback = (of) => Object.fromEntries(steps.filter((x) => x.rollback).map((x) => [x.rollback, of(x)]));
