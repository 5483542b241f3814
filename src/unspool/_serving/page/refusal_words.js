// What the server refuses, in Chinese: its own sentences are English. A sentence for each `code`, beside which stands what the
// server says, for the names and numbers in it; `null` is for a value that no code tells of.

import { currentLanguage } from "./words.js";

const ZH = {
  null: "请求中有一个值不被接受",
  bad_request: "这不是服务器能读懂的请求",
  body_too_large: "请求的内容太长",
  broken_off: "回答中途断开了",
  corpus_empty: "这份文本是空的",
  corpus_is_no_text: "这个文件不是文本",
  corpus_not_found: "这份文本不在服务器上：没有上传过，或一周后已删除",
  corpus_too_large: "这份文本太大",
  headers_too_large: "请求的头部太长",
  host_not_allowed: "服务器不认这个主机名",
  internal_error: "服务器内部出错",
  invalid_api_key: "密钥不对，或没有密钥",
  invalid_json: "请求的内容不是有效的 JSON",
  invalid_token: "本页已过时，请重新载入",
  method_not_allowed: "这个地址不接受这种请求",
  model_broken: "这个模型的文件已损坏",
  model_not_found: "没有这个模型",
  model_too_large: "这个模型超出了服务器的内存上限",
  name_taken: "这个名称已被占用，请另选一个",
  no_space: "磁盘上没有位置了，或不能写入",
  no_trainings: "这个服务器不做训练",
  not_found: "没有这个地址",
  origin_not_allowed: "请求来自别的网站，不被接受",
  pattern_too_long: "条件中的文字太长",
  prompt_too_long: "开头太长",
  queue_full: "排队的请求太多，请稍后再试",
  request_timeout: "请求没有及时传完",
  run_not_found: "没有这次训练",
  slow_reader: "读得太慢，服务器停止了发送",
  stopping: "服务器即将停止，不再接受请求",
  sweep_not_found: "没有这次参数搜索",
  timeout: "没能及时完成，请少要一些",
  too_hard: "条件太难，没能及时准备好，请改得简单些",
  too_many_connections: "连接太多，请稍后再试",
  too_many_listeners: "观看的人太多，请关掉一页或稍后再试",
  too_many_logprobs: "要的概率太多",
  too_many_readings: "正在读取的文本太多，请稍后再试",
  too_many_requests: "一次发来的请求太多",
  too_many_texts: "一次要的文本太多",
  too_many_tokens: "要的文本太长",
  too_many_trainings: "同时进行的训练太多，请先停下一个，或等一个结束",
  training_not_found: "没有这次训练",
  unknown_field: "请求中有不认识的字段",
  unknown_symbol: "模型不认识其中的字符",
  unsupported_media_type: "请求的内容必须是 JSON",
  upload_too_slow: "上传停住了",
};

// Returns what the server refuses in the language of the page.
export function refusalInWords({ message, code }) {
  const words = currentLanguage() === "zh" ? ZH[code ?? "null"] : undefined;
  return words === undefined ? message : `${words}（${message}）`;
}
