//! The owner's console: pages over the use cases that the API calls, with the same permissions and the same reach.
//!
//! Every page works without a script. A session stands for an access key: `request::Signed` lets a handler run only for
//! callers with a permission, and `request::SignedForm` only for forms that a page of the same session showed.

mod access_keys;
mod accounts;
mod activity;
mod ask_code;
mod assets;
mod attention;
mod data;
mod data_table;
mod editor;
mod embed;
mod embed_page;
mod error_page;
mod fields;
mod home;
mod layout;
mod literals;
mod parts;
mod provider_sign_in;
mod refusals;
mod request;
mod resource;
mod resource_list;
mod resource_version;
mod server_code;
mod sessions;
mod settings;
mod sign_in;
mod signing_keys;
mod table_form;
mod uploads;
mod user_sessions;
mod viewers;
mod web_code;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use vitrine::app::commit_version::VersionCommitter;
use vitrine::app::create_access_key::AccessKeyCreator;
use vitrine::app::end_user_session::UserSessionEnder;
use vitrine::app::find_attention::AttentionFinder;
use vitrine::app::find_resources::ResourceFinder;
use vitrine::app::open_console::Console;
use vitrine::app::open_console_session::ConsoleSessionOpener;
use vitrine::app::preview_resource::ResourcePreviewer;
use vitrine::app::publish_resource::ResourcePublisher;
use vitrine::app::put_source::SourcePutter;
use vitrine::app::put_table::TablePutter;
use vitrine::app::remove_access_key::AccessKeyRemover;
use vitrine::app::remove_source::SourceRemover;
use vitrine::app::remove_table::TableRemover;
use vitrine::app::remove_user::UserRemover;
use vitrine::app::restore_version::ResourceVersions;
use vitrine::app::retire_signing_key::SigningKeyRetirer;
use vitrine::app::roll_back_table::TableRollback;
use vitrine::app::sign_in_person::PersonSignIn;
use vitrine::app::start_upload::UploadStarter;
use vitrine::app::switch_embedding::EmbeddingSwitch;
use vitrine::aws::storage::{
    AccessKeyWriter, AccountLister, AccountReader, AccountTokens, DefinitionReader, EvidenceReader,
    ExternalUserLister, ExternalUserReader, RefusalRecordReader, SourceLister, TableReader,
    TableVersionReader, TenantReader, UploadReader, UserSessionLister,
};
use vitrine::http::Routes;
use vitrine::http::caller::Anybody;
use vitrine::rules::clock::Clock;
use vitrine::rules::error::{Error, Reason};
use vitrine::rules::settings::Settings;

use crate::request::{PageResult, Refused, Signed};
use crate::uploads::ConnectTo;

/// The path of the console.
pub const PATH: &str = "/console";

vitrine::function_state! {
    pub struct State {
        console: Console,
        people: PersonSignIn,
        session: ConsoleSessionOpener,
        finder: ResourceFinder,
        attention: AttentionFinder,
        publisher: ResourcePublisher,
        previewer: ResourcePreviewer,
        evidence: EvidenceReader,
        versions: ResourceVersions,
        keys: AccessKeyWriter,
        key_creator: AccessKeyCreator,
        key_remover: AccessKeyRemover,
        signing_keys: SigningKeyRetirer,
        refusals: RefusalRecordReader,
        sources: SourceLister,
        source_putter: SourcePutter,
        source_remover: SourceRemover,
        tables: TableReader,
        table_putter: TablePutter,
        table_remover: TableRemover,
        versions_of_tables: TableVersionReader,
        rollback: TableRollback,
        uploads: UploadReader,
        upload_starter: UploadStarter,
        committer: VersionCommitter,
        users: ExternalUserLister,
        user: ExternalUserReader,
        user_remover: UserRemover,
        user_sessions: UserSessionLister,
        session_ender: UserSessionEnder,
        tenants: TenantReader,
        definitions: DefinitionReader,
        accounts: AccountReader,
        account_list: AccountLister,
        account_tokens: AccountTokens,
        switch: EmbeddingSwitch,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    const RESOURCE: &str = "/resources/{kind}/{id}";
    let pages = Router::new()
        .route("/", get(home::show))
        .route("/sign-in", post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route(provider_sign_in::START, get(provider_sign_in::start))
        .route(provider_sign_in::CALLBACK, get(provider_sign_in::callback))
        .route("/assets/{file}", get(assets::file))
        .route("/attention", get(attention::show))
        .route("/resources", get(resource_list::show))
        .route(RESOURCE, get(resource::show).post(resource::change))
        .route("/new/{what}", get(editor::new_form).post(editor::create))
        .route(
            "/resources/{kind}/{id}/versions/{version}",
            get(resource_version::show).post(resource_version::restore),
        )
        .route("/resources/{kind}/{id}/edit", get(editor::edit_form).post(editor::edit))
        .route("/resources/{kind}/{id}/embed", get(embed::show).post(embed::act))
        .route("/data", get(data::show).post(data::create))
        .route("/data/sources", post(data::put_source))
        .route("/data/sources/{source}/remove", post(data::remove_source))
        .route("/data/tables/{table}", get(data_table::show).post(data_table::change))
        .route("/data/tables/{table}/uploads", post(uploads::start))
        .route("/data/tables/{table}/uploads/{upload}", get(uploads::show))
        .route("/data/tables/{table}/uploads/{upload}/send", get(uploads::sender))
        .route("/data/tables/{table}/uploads/{upload}/commit", post(uploads::commit))
        .route("/viewers", get(viewers::show))
        .route("/viewers/{id}", get(viewers::user))
        .route("/viewers/{id}/remove", post(viewers::remove))
        .route("/viewers/{id}/sessions/{session}/end", post(user_sessions::end))
        .route("/tenants/{tenant}", get(viewers::tenant))
        .route("/accounts", get(accounts::show))
        .route("/accounts/tokens/end", post(accounts::end_token))
        .route("/settings", get(settings::show).post(settings::change))
        .route("/keys", get(access_keys::show).post(access_keys::create))
        .route("/keys/{id}/remove", post(access_keys::remove))
        .route("/signing-keys/{kid}/retire", post(signing_keys::retire))
        .route("/refusals", get(refusals::show))
        .route("/sessions", get(sessions::show))
        .route("/sessions/{handle}/end", post(sessions::end))
        .route("/{*page}", get(missing))
        .layer(map_response(guarded));
    Routes::default().pages(PATH, pages)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

/// Any other page: the one without the last slash, or one that says that there is none.
async fn missing(uri: Uri, Signed { caller, .. }: Signed<Anybody>) -> PageResult {
    let path = uri.path().trim_end_matches('/');
    if path == uri.path() {
        let error = Error::from(Reason::RouteNotFound).message("There is no page at this address.");
        return Err(Refused::of(error, caller));
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Redirect::to(&format!("{PATH}{path}{query}")).into_response())
}

/// The policy of every page: its own files, no inline script or style, framed by nobody.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

async fn guarded(response: Response) -> Response {
    let policy = match response.extensions().get::<ConnectTo>() {
        None => HeaderValue::from_static(POLICY),
        Some(ConnectTo(origin)) => {
            let wider = POLICY.replace("connect-src 'self'", &format!("connect-src {origin}"));
            HeaderValue::try_from(wider).unwrap_or(HeaderValue::from_static(POLICY))
        }
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    (headers, response).into_response()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi()]
pub struct ApiDoc;
