// A worker that sends one file to the bucket, with the request before this line.

onmessage = ({ data: file }) => {
  const call = new XMLHttpRequest();
  call.open("PUT", request.url);
  for (const [name, value] of Object.entries(request.headers)) {
    if (!["host", "content-length"].includes(name.toLowerCase())) call.setRequestHeader(name, value);
  }
  call.upload.onprogress = ({ loaded, total }) => postMessage({ loaded, total });
  call.onload = () => postMessage({ status: call.status });
  call.onerror = () => postMessage({ status: 0 });
  call.send(file);
};
