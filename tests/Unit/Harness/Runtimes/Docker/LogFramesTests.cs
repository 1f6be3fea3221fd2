using System.IO.Pipelines;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

public sealed class LogFramesTests
{
    private static readonly byte[] TwoFrames = [1, 0, 0, 0, 0, 0, 0, 4, .. "one\n"u8, 2, 0, 0, 0, 0, 0, 0, 3, .. "two"u8];

    private readonly List<string> _output = [];
    private readonly List<string> _errors = [];

    [Fact]
    public async Task Frames_are_read_wherever_they_are_cut()
    {
        for (var cut = 0; cut <= TwoFrames.Length; cut++)
        {
            _output.Clear();
            _errors.Clear();
            await ReadAsync(TwoFrames[..cut], TwoFrames[cut..]);
            _output.Should().Equal(["one"], $"it was cut at {cut}");
            _errors.Should().Equal(["two"], $"it was cut at {cut}");
        }
    }

    [Fact]
    public async Task An_empty_stream_is_no_output()
    {
        await ReadAsync();

        _output.Should().BeEmpty();
    }

    [Theory]
    [InlineData(5, "*ends within a frame's header")]
    [InlineData(10, "*ends 2 bytes before its last frame does")]
    public async Task A_stream_that_breaks_off_is_an_error(int length, string expected)
    {
        var read = () => ReadAsync(TwoFrames[..length]);

        (await read.Should().ThrowAsync<RuntimeException>()).WithMessage(expected);
    }

    [Fact]
    public async Task Text_without_frames_is_an_error()
    {
        var read = () => ReadAsync("{\"event\":\"start\"}"u8.ToArray());

        (await read.Should().ThrowAsync<RuntimeException>()).WithMessage("*a frame begins with 7b226576656e7422");
    }

    private async Task ReadAsync(params byte[][] pieces)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var pipe = new Pipe();
        var reading = LogFrames.ReadAsync(pipe.Reader.AsStream(), new LineSplitter(_output.Add), new LineSplitter(_errors.Add), cancellation);
        foreach (var piece in pieces) await pipe.Writer.WriteAsync(piece, cancellation);
        await pipe.Writer.CompleteAsync();
        await reading;
    }
}
