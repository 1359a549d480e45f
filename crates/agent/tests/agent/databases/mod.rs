//! Databases on a real PostgreSQL: given, walled off from each other, kept through crashes, backed up, brought back and
//! dropped with their instances.

mod backups;
mod crashes;
mod ends;
mod shop;
mod walls;
