// The steps of the saga. workflows/compra/steps.go has the table; bff/pages/saga.go writes it as JSON into each page.
const steps = JSON.parse(document.getElementById("steps").textContent);

// entering are the steps that enter a state, in their order. The last one leads to CONFIRMADA.
export const entering = steps.filter((x) => x.state);

// participants are the services that receive the saga's commands, in the order of their first command.
export const participants = [...new Set(steps.map((x) => x.participant))];

export const rollbacks = steps.filter((x) => x.rollback).map((x) => x.rollback);
export const refusals = steps.filter((x) => x.rollback).flatMap((x) => x.refusals);

// owner returns the participant that receives the command.
export const owner = (command) => steps.find((x) => x.command === command || x.rollback === command)?.participant;

// byState maps each state that a step enters to the value that of returns for the step.
export const byState = (of) => Object.fromEntries(entering.map((x) => [x.state, of(x)]));

// byRollback maps each rollback to the value that of returns for its step.
export const byRollback = (of) => Object.fromEntries(steps.filter((x) => x.rollback).map((x) => [x.rollback, of(x)]));
