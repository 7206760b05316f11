//! How long a change takes to show, in one place: Microsoft's page "Enrolling devices in Windows Analytics".
//!
//! "You can verify that devices have successfully connected to the service within a few hours", "48-56 hours for the data to
//! populate" after it was sent, "most of your devices … within 1-2 days after deploying"; without the deployment script "you might
//! have to wait a long time (possibly weeks) before devices send the initial full inventory scan".

/// After a device has sent its data.
pub const AFTER_SENDING: &str = "Devices connect within a few hours of the change. Data takes 48 to 56 hours to appear after a device has sent \
     it, and most devices are there one to two days after the change.";

/// Where nobody runs the deployment script.
pub const WITHOUT_THE_SCRIPT: &str =
    "Without the deployment script or `waprobe enroll scan` the first full scan may come only after weeks.";
