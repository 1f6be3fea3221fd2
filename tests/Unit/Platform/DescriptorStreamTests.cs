using System.IO.Pipes;

namespace Loadline.Unit.Platform;

public sealed class DescriptorStreamTests
{
    [Fact]
    public void Whose_reader_has_gone_is_written_no_more_and_says_so()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var stream = new DescriptorStream(new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false), "a pipe");
        stream.Write("one"u8);
        stream.IsUnheard.Should().BeFalse();

        pipe.Dispose();
        stream.Write("two"u8);

        stream.IsUnheard.Should().BeTrue();
    }
}
