package api

// ContainerCredentials is a lease as clients want it from an endpoint for the
// credentials of containers.
type ContainerCredentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
	Token           string `json:"Token" doc:"The session token"`
	Expiration      string `json:"Expiration" format:"date-time"`
}

// ContainerError is what such an endpoint answers instead. SDKs show both.
type ContainerError struct {
	Code    string `json:"code" doc:"The stable name of the failure, for programs" example:"location_not_found"`
	Message string `json:"message" doc:"What is wrong and what to do, for people"`
}
