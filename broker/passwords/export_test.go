package passwords

// Hashes is how many hashes were made.
func (svc *Service) Hashes() int { return int(svc.hashing.done.Load()) }
