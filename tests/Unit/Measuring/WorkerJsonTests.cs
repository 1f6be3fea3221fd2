using Loadline.Measuring;

namespace Loadline.Unit.Measuring;

public class WorkerJsonTests
{
    [Theory]
    [InlineData("loaded 413 tensors")]
    [InlineData("""{"seconds": 1.5}""")]
    [InlineData("""{"event": "finished"}""")]
    [InlineData("""{"event": "phase", "phase": 1}""")]
    [InlineData("""{"event": """)]
    [InlineData("""{}""")]
    public void What_another_program_writes_is_no_event(string line) => WorkerJson.TryRead(line).Should().BeNull();

    [Fact]
    public void An_event_is_read_as_it_was_written()
    {
        var phase = new PhaseEvent("read", 0.5);

        WorkerJson.TryRead(WorkerJson.Write(phase)).Should().Be(phase);
    }
}
