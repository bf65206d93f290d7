package passwords

// Hashes is how many hashes were made.
func (svc *Service) Hashes() int { return int(svc.hashing.done.Load()) }

// CostMore makes new hashes cost more than those that there are.
func (svc *Service) CostMore() { svc.hashing.cost.times++ }

// Forget forgets which passwords were right.
func (svc *Service) Forget() { svc.proven = newProven() }
