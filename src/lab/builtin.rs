//! The labs that come with the program.
