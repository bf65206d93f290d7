package katapult

import "github.com/keyhatch/keyhatch/compat/katapult/arguments"

// code is the format's name of a failure.
type code string

// The codes that there are.
const (
	missingAPIToken          code = "missing_api_token"
	invalidJSONBody          code = "invalid_json_body"
	missingRequiredArgument  code = "missing_required_argument"
	invalidArgument          code = "invalid_argument"
	invalidAPIToken          code = "invalid_api_token"
	unauthorizedNetwork      code = "unauthorized_network_for_api_token"
	invalidCapabilitiesToken code = "invalid_capabilities_token"
	scopeNotGranted          code = "scope_not_granted"
	permissionDenied         code = "permission_denied"
	organizationSuspended    code = "organization_suspended"
	organizationNotActivated code = "organization_not_activated"
	accountNotProvisioned    code = "object_storage_account_not_provisioned"
	accountSuspended         code = "object_storage_account_suspended"
	bucketDeletionError      code = "object_storage_bucket_deletion_error"
	routeNotFound            code = "route_not_found"
	organizationNotFound     code = "organization_not_found"
	clusterNotFound          code = "object_storage_cluster_not_found"
	accountNotFound          code = "object_storage_account_not_found"
	bucketNotFound           code = "object_storage_bucket_not_found"
	accessKeyNotFound        code = "object_storage_access_key_not_found"
	objectNotFound           code = "object_not_found"
	apiTokenNotFound         code = "api_token_not_found"
	trashObjectNotFound      code = "trash_object_not_found"
	noUserForIdentity        code = "no_user_associated_with_identity"
	objectInTrash            code = "object_in_trash"
	taskQueueingError        code = "task_queueing_error"
	validationError          code = "validation_error"
	provisioningError        code = "object_storage_provisioning_error"
	rateLimitReached         code = "rate_limit_reached"
	multipleBucketsFound     code = "multiple_object_storage_buckets_found"
	unhandledException       code = "unhandled_exception"
	serviceUnavailable       code = "service_unavailable"
	networkError             code = "network_error"
)

// notFound is how the description of most things begins that there are not.
func notFound(what string) string {
	return "No " + what + " was found matching any of the criteria provided in the arguments"
}

// catalogue is every failure of the format: its status, its description, which is empty
// where each has its own or none, and of what type its detail is. Full stops are the
// format's own.
var catalogue = map[code]struct {
	status      int
	description string
	detail      any
}{
	missingAPIToken:         {400, "No API token was provided in the Authorization header. Ensure a token is provided prefixed with Bearer", nothing{}},
	invalidJSONBody:         {400, "The JSON body provided with this request is invalid", details{}},
	missingRequiredArgument: {400, "", missingDetail{}},
	invalidArgument:         {400, "", wrongDetail{}},
	invalidAPIToken:         {403, "The API token provided was not valid (it may not exist or have expired)", details{}},
	unauthorizedNetwork:     {403, "Network is not allowed to access the API with this API token", network{}},
	invalidCapabilitiesToken: {
		403, "The capabilities token provided was not valid (either not valid, expired or not signed by the correct key)", nothing{},
	},
	scopeNotGranted:          {403, "The scope required for this endpoint has not been granted to the authenticating identity", scopes{}},
	permissionDenied:         {403, "The authenticated identity is not permitted to perform this action", details{}},
	organizationSuspended:    {403, "An organization was found from the arguments provided but it was suspended", nothing{}},
	organizationNotActivated: {403, "An organization was found from the arguments provided but it wasn't activated yet", nothing{}},
	accountNotProvisioned: {
		403, "An object storage account was found but it is not provisioned. If the problem persists, try re-creating the account.", nothing{},
	},
	accountSuspended:     {403, "An object storage account was found from the arguments provided but it is suspended", nothing{}},
	bucketDeletionError:  {403, "An error occurred while deleting the bucket.", details{}},
	routeNotFound:        {404, "", nothing{}},
	organizationNotFound: {404, notFound("organization"), nothing{}},
	clusterNotFound:      {404, notFound("object storage cluster"), nothing{}},
	accountNotFound:      {404, notFound("object storage account"), nothing{}},
	bucketNotFound:       {404, notFound("object storage bucket"), nothing{}},
	accessKeyNotFound:    {404, notFound("object storage access key") + ".", nothing{}},
	objectNotFound:       {404, notFound("object"), nothing{}},
	apiTokenNotFound:     {404, notFound("API token") + ".", nothing{}},
	trashObjectNotFound:  {404, notFound("trash object"), nothing{}},
	noUserForIdentity:    {404, "There is no user associated with this API token", nothing{}},
	objectInTrash: {
		406, "The object found is in the trash and therefore cannot be manipulated through the API. It should be restored in order to run this operation.", trashDetail{},
	},
	taskQueueingError:    {406, "This error means that a background task that was needed to complete your request could not be queued", details{}},
	validationError:      {422, "A validation error occurred with the object that was being created/updated/deleted", messages{}},
	provisioningError:    {422, "Provisioning is in progress. Please try again later.", nothing{}},
	rateLimitReached:     {429, "You have reached the rate limit for this type of request", limit{}},
	multipleBucketsFound: {500, "Multiple object storage buckets were found matching the criteria provided in the arguments", nothing{}},
	unhandledException:   {500, "", nothing{}},
	serviceUnavailable:   {503, "The service is currently unavailable, please try again later", nothing{}},
	networkError:         {504, "A network error occurred while performing the action. Please try again.", nothing{}},
}

// The types of details.
type (
	nothing struct{}
	details struct {
		Details *string `json:"details"`
	}
	network struct {
		Address string `json:"ip_address"`
	}
	scopes struct {
		Scopes []string `json:"scopes"`
	}
	messages struct {
		Errors []string `json:"errors"`
	}
	limit struct {
		PerMinute int `json:"total_permitted"`
	}
	trashDetail struct {
		Trash *trashed `json:"trash_object,omitempty"`
	}
	trashed struct {
		ID         string `json:"id"`
		KeepUntil  int64  `json:"keep_until"`
		ObjectID   string `json:"object_id"`
		ObjectType string `json:"object_type"`
	}
	missingDetail struct {
		Path     []string      `json:"path"`
		Argument missingTarget `json:"argument"`
	}
	missingTarget struct {
		Name        string  `json:"name"`
		Description *string `json:"description"`
	}
	wrongDetail struct {
		Path             []string        `json:"path"`
		Index            *int            `json:"index"` // in a list
		Issue            arguments.Issue `json:"issue"`
		IssueDescription *string         `json:"issue_description"`
		Errors           []string        `json:"errors"`
		Argument         wrongTarget     `json:"argument"`
	}
	wrongTarget struct {
		ID          string  `json:"id"`
		Name        string  `json:"name"`
		Description *string `json:"description"`
	}
)
