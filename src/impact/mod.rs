//! What verdicts mean for a solution on a range of Windows versions, route by route.
//!
//! In: verdicts, the plan and the catalogue's needs. Out: the rows of the impact matrix. Never: an opinion on a chain or
//! a connection; that is the judge's.
