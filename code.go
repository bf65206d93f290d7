package keyhatch

// Code is the stable, machine-readable name of a failure. Codes are never
// renamed and never change their meaning.
type Code string

// The codes of the native API.
const (
	CodeInvalidRequest    Code = "invalid_request"
	CodeInvalidName       Code = "invalid_name"
	CodeInvalidPrefix     Code = "invalid_prefix"
	CodeInvalidBucketName Code = "invalid_bucket_name"
	CodeInvalidScope      Code = "invalid_scope"
	CodeInvalidDuration   Code = "invalid_duration"
	CodeInvalidExpiry     Code = "invalid_expiry"
	CodeInvalidPath       Code = "invalid_path"
	CodeInvalidEndpoint   Code = "invalid_endpoint"
	CodeInvalidNetwork    Code = "invalid_network"
	CodeInvalidCredential Code = "invalid_credential"
	CodeInvalidCursor     Code = "invalid_cursor"
	CodeInvalidPolicy     Code = "invalid_policy"
	CodePolicyTooLarge    Code = "policy_too_large"
	CodeWorkspaceRequired Code = "workspace_required"
	CodeLifeExceedsLimit  Code = "life_exceeds_limit"
	CodeStoresDiffer      Code = "stores_differ"
	CodeBodyTooLarge      Code = "body_too_large"
	CodeNotAcceptable     Code = "not_acceptable"
	CodeMediaType         Code = "unsupported_media_type"
	CodeMethodNotAllowed  Code = "method_not_allowed"

	CodeTokenMissing    Code = "token_missing"
	CodeTokenMalformed  Code = "token_malformed"
	CodeTokenInvalid    Code = "token_invalid"
	CodeTooManyRequests Code = "too_many_requests"

	CodeNotPermitted        Code = "not_permitted"
	CodeScopeNotGranted     Code = "scope_not_granted"
	CodeScopeTooBroad       Code = "scope_too_broad"
	CodeWorkspaceNotInToken Code = "workspace_not_in_token"
	CodeAccessNotGranted    Code = "access_not_granted"
	CodeLocationLocked      Code = "location_locked"

	CodeRouteNotFound      Code = "route_not_found"
	CodeUserNotFound       Code = "user_not_found"
	CodeGroupNotFound      Code = "group_not_found"
	CodeWorkspaceNotFound  Code = "workspace_not_found"
	CodeTeamspaceNotFound  Code = "teamspace_not_found"
	CodeMemberNotFound     Code = "member_not_found"
	CodeTokenNotFound      Code = "token_not_found"
	CodeCredentialNotFound Code = "credential_not_found"
	CodeStoreNotFound      Code = "store_not_found"
	CodeBucketNotFound     Code = "bucket_not_found"
	CodeLocationNotFound   Code = "location_not_found"
	CodeGrantNotFound      Code = "grant_not_found"
	CodeLeaseNotFound      Code = "lease_not_found"
	CodeEventNotFound      Code = "event_not_found"

	CodeNameTaken        Code = "name_taken"
	CodeInUse            Code = "in_use"
	CodeLimitReached     Code = "limit_reached"
	CodeLocationsOverlap Code = "locations_overlap"
	CodeRoleTaken        Code = "role_taken"
	CodeNotVerified      Code = "not_verified"
	CodeLastAdmin        Code = "last_admin"
	CodeStandingChanged  Code = "standing_changed"
	CodeStoreUnsupported Code = "store_unsupported"
	CodeUnavailable      Code = "unavailable"
	CodeInternal         Code = "internal"
)
