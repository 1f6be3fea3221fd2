using System.Buffers.Binary;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>
/// Takes apart the stream in which the Engine carries a container's output: frames of one byte that names the stream, three zeros, the payload's
/// length as 32 bits big-endian, and the payload. Frames are cut at writes, not at lines.
/// </summary>
internal static class LogFrames
{
    private const int HeaderBytes = 8;

    /// <summary>Reads to the end.</summary>
    /// <exception cref="RuntimeException">The stream holds no frames, or ends within one.</exception>
    public static async Task ReadAsync(Stream stream, LineSplitter output, LineSplitter errors, CancellationToken cancellation)
    {
        var header = new byte[HeaderBytes];
        var buffer = new byte[16 << 10];
        int got;
        while ((got = await stream.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false, cancellation)) > 0)
        {
            if (got < HeaderBytes) throw Broken("it ends within a frame's header");
            if (header[0] > 2 || header[1] != 0 || header[2] != 0 || header[3] != 0)
                throw Broken($"a frame begins with {Convert.ToHexStringLower(header)}");
            var lines = header[0] == 2 ? errors : output;
            for (long left = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4)); left > 0;)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellation);
                if (read == 0) throw Broken($"it ends {left} bytes before its last frame does");
                lines.Append(buffer.AsSpan(0, read));
                left -= read;
            }
        }

        output.Complete();
        errors.Complete();
    }

    private static RuntimeException Broken(string what) => new($"docker: the container's output cannot be read: {what}");
}
