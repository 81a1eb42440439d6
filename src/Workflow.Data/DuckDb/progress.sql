set enable_progress_bar = true;
set enable_progress_bar_print = false;
set progress_bar_time = 0;
