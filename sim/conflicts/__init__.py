"""What paths cost on memories of several banks behind a crossbar."""
