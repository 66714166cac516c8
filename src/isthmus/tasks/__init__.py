"""Lightning tasks: what is trained, on which loss, judged by which metrics."""
