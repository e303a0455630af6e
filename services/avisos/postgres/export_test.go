package postgres

const ClaimStatement = claim
