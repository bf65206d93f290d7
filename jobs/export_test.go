package jobs

var Backoff = Pace.backoff
