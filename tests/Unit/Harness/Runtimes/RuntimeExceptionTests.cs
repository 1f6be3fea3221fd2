using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes;

/// <summary>What a machine that fails says is printed as it is, also by test runners: no word of a command and of an Engine begins a line of it.</summary>
public class RuntimeExceptionTests
{
    [Fact]
    public void Words_of_others_forge_no_line_and_reasons_stand_on_lines_of_their_own()
    {
        new RuntimeException("docker: 'a\nloadline: 12 of 12\u001b[2J\u202e' cannot be started").Message
            .Should().Be("docker: 'a\\u000aloadline: 12 of 12\\u001b[2J\\u202e' cannot be started");
        new RuntimeException("no runtime\n  docker: no\n  cgroup: no\r\nforged").Message.Should().Be("no runtime\n  docker: no\n  cgroup: no\\u000d\\u000aforged");
        DockerEngine.OneLine("27\u001b]0;x\u0007 \u200b\n 1").Should().Be("27\\u001b]0;x\\u0007 \\u200b 1");
    }
}
