"""Another company's machine. Out: connection (the words of ssh), line (one connection), sftp_client (what is asked over it),
peer (our folder there), plain (an address that the operator wrote out). In: receive_folder (what the partner keeps here),
sftp_server and sftp_folder (the one folder that its key gets)."""
