//! A bootstrap as a process, started as Lambda starts it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::runtime_api::RuntimeApi;

pub struct Process {
    pub api: RuntimeApi,
    /// From just before `exec` to the first request for an event.
    pub ready: Duration,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the bootstrap and waits until it is ready.
    pub async fn start(mut command: Command, environment: &[(&str, String)], folder: &Path) -> Result<Self> {
        let mut api = RuntimeApi::start().await?;
        let log = folder.join("log");
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(Stdio::inherit());
        let start = Instant::now();
        let mut child = command.spawn()?;
        match api.asked().await {
            Ok(at) => Ok(Self { api, ready: at - start, child, log }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(format!("{command:?}: {error}\n{}", fs::read_to_string(log)?).into())
            }
        }
    }

    /// Terminates the process and waits for its end.
    pub fn end(mut self) -> Result<()> {
        Command::new("sh").args(["-c", &format!("kill {}", self.child.id())]).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// Peak memory in KiB.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("the kernel does not report VmHWM")?.parse()?)
    }

    /// Processor time of all threads so far.
    pub fn processor_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Bytes written to the log so far.
    pub fn logged(&self) -> Result<u64> {
        Ok(fs::metadata(&self.log)?.len())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Lambda also ends a process with SIGKILL.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
