//! Dialogues byte for byte, with scripted peers on loopback.
