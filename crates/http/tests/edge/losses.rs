//! Whatever takes away the right of a member who holds something open by it.

use serde_json::json;
use test_kit::World;
use test_kit::world::{Member, Workspace};

/// An instance, and what is held open on it.
pub struct Held<'w> {
    pub world: &'w World,
    pub workspace: Workspace<'w>,
    pub instance: String,
    /// What one has to be allowed for it.
    pub actions: &'w [&'w str],
}

/// The last one ends with the workspace, which can't be deleted while it has an instance.
pub const CAUSES: [&str; 7] = ["action", "list", "removed", "role", "deactivated", "session", "instance"];

impl Held<'_> {
    async fn grant(&self, member: &Member, actions: &[&str], instances: &[&str]) {
        self.workspace.grant(member, json!({ "actions": actions, "instances": instances })).await;
    }

    /// Somebody who may, and loses it by this cause.
    pub async fn holder(&self, cause: &str) -> Member {
        let member = self.workspace.member(&format!("Edda {cause}")).await;
        if cause == "role" {
            self.workspace.make_owner(&member).await;
        } else {
            self.grant(&member, self.actions, &[&self.instance]).await;
        }
        member
    }

    /// They may no more. The answer is what they are told.
    pub async fn lose(&self, cause: &str, member: &Member) -> &'static str {
        let owner = &self.workspace.owner.client;
        let of_member = self.workspace.path(&format!("/members/{}", member.id));
        match cause {
            "action" => {
                self.grant(member, &[], &[&self.instance]).await;
                "permission_denied"
            }
            "list" => {
                self.grant(member, self.actions, &[]).await;
                "not_found"
            }
            "removed" => {
                let _ = owner.delete(&of_member, None).await.expect(204);
                "not_found"
            }
            "role" => {
                let _ = owner.patch(&of_member, json!({ "role": "member" })).await.expect(200);
                "not_found"
            }
            "deactivated" => {
                let path = format!("/api/v1/administration/accounts/{}", member.person.account);
                let _ = owner.patch(&path, json!({ "status": "disabled" })).await.expect(200);
                "unauthenticated"
            }
            "session" => {
                let _ = member.person.client.delete("/api/v1/session", None).await.expect(204);
                "unauthenticated"
            }
            // Without instances a workspace may go, too; with some it can't.
            _ => {
                let confirm = json!({ "confirm": self.workspace.slug });
                let refused = owner.delete(&self.workspace.path(""), Some(confirm.clone())).await.expect(409);
                assert_eq!(refused.code().unwrap(), "conflict", "{}", refused.text);
                let path = self.workspace.path(&format!("/instances/{}", self.instance));
                let _ = owner.delete(&path, Some(json!({ "confirm": "Shop" }))).await.expect(202);
                self.world.drain().await;
                let _ = owner.delete(&self.workspace.path(""), Some(confirm)).await.expect(204);
                "not_found"
            }
        }
    }
}
